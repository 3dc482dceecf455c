//! From tokens to the implementation of a contract: `#[service]` on the impl of a trait.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;

use super::impls::{OPTIONS, Options, attrs_of};
use super::model::{Implementation, Rpc};
use super::rpc;
use crate::errors::Collector;
use crate::item::{ImplItem, Member, members, plain_name};
use crate::kind;
use crate::{Attribute, Common, Errors};

/// Whether the item is the impl of a trait.
#[must_use]
pub fn is_of_trait(item: &TokenStream) -> bool {
    syn::parse2::<ImplItem>(item.clone()).is_ok_and(|item| item.of_trait.is_some())
}

/// Reads `#[service]` and the impl of a trait it stands on.
///
/// # Errors
/// All mistakes in both.
pub fn parse(attr: TokenStream, item: TokenStream) -> Result<Implementation, Errors> {
    let mut errors = Collector::new();
    let mut options = Options::default();
    OPTIONS.parse(&mut errors, attr, &mut options);
    let item = errors.keep(syn::parse2::<ImplItem>(item));
    let implementation = item.and_then(|item| check(&mut errors, options, item));
    errors.finish(implementation)
}

fn check(errors: &mut Collector, options: Options, item: ImplItem) -> Option<Implementation> {
    let Options { krate } = options;
    let contract = item.of_trait?;
    if let Some(not) = item.negative {
        errors.at(not, "#[service] marks what implements a contract; this says that something does not");
        return None;
    }
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, "the impl of a service can't be generic: there is one of the service in a process");
        return None;
    }
    let Some(ident) = plain_name(&item.self_ty).cloned() else {
        errors.at(&item.self_ty, "#[service] expects the impl for a plain struct: `impl Contract for Name { .. }`");
        return None;
    };
    let plain =
        matches!(&contract, syn::Type::Path(path) if path.qself.is_none() && path.path.segments.iter().all(|it| it.arguments.is_none()));
    if !plain {
        errors.at(&contract, "#[service] expects the impl of a contract, a trait without parameters: `impl Contract for Name { .. }`");
        return None;
    }
    let (mut methods, mut rpcs) = (Vec::new(), Vec::new());
    for member in errors.keep(members.parse2(item.body))? {
        if let Member::Fn(function) = &member {
            methods.push(function.sig.ident.clone());
        }
        rpcs.extend(read_rpc(errors, &member));
        for attr in attrs_of(&member) {
            check_attribute(errors, attr);
        }
    }
    let common = Common::new(krate, &item.attrs, ident.span());
    let service = syn::parse2(item.self_ty.to_token_stream()).ok()?;
    let contract = syn::parse2(contract.to_token_stream()).ok()?;
    Some(Implementation { common, service, ident, contract, methods, rpcs })
}

/// What is said of a method of a gRPC service.
fn read_rpc(errors: &mut Collector, member: &Member) -> Option<Rpc> {
    let mut marks = attrs_of(member).iter().filter(|attr| kind::attribute(attr.path()) == Some(Attribute::Rpc));
    let first = marks.next()?;
    for further in marks {
        errors.at(further, "a second #[rpc] on one method: say all of it in one");
    }
    match member {
        Member::Fn(function) if function.sig.receiver().is_some() => rpc::parse(errors, first, function),
        _ => {
            errors.at(first, rpc::OUTSIDE);
            None
        }
    }
}

/// What a method of a contract is, the trait says.
fn check_attribute(errors: &mut Collector, attr: &syn::Attribute) {
    let message = match kind::attribute(attr.path()) {
        None | Some(Attribute::Rpc) => return,
        Some(Attribute::Route(_)) => {
            "the routes of a contract stand on the methods of its trait, where callers see them; further routes of the service stand in an impl of its own, `impl Name { .. }`".to_owned()
        }
        Some(Attribute::EventHandler | Attribute::Command | Attribute::Query) => {
            "a handler of messages is no method of a contract: put it in an impl of the service's own, `#[service] impl Name { .. }`".to_owned()
        }
        Some(Attribute::Deferred(name)) => super::deferred(name),
        Some(_) => "this attribute can't stand on a method of a contract".to_owned(),
    };
    errors.at(attr, message);
}
