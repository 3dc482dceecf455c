//! From tokens to the handlers and routes of a service's impl.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Path;
use syn::parse::Parser;

use super::model::ServiceImpl;
use super::rpc;
use crate::errors::Collector;
use crate::handler::{self, Handler};
use crate::item::{ImplItem, Member, members, plain_name};
use crate::kind::{self, arguments, attribute};
use crate::options::{Opt, Table, assigned, put};
use crate::route::{self, Verb};
use crate::{Attribute, Common, Errors};

#[derive(Default)]
pub(super) struct Options {
    pub(super) krate: Option<Path>,
}

const ON_STRUCT: &str = "it belongs on the #[service(..)] of the struct; on the impl it stands bare";

pub(super) const OPTIONS: Table<Options> = Table {
    attribute: "#[service] on an impl",
    options: &[Opt { name: "crate", set: |o, name, input| put(&mut o.krate, assigned(name, input, |i| i.call(Path::parse_mod_style))) }],
    repeats: &[],
    elsewhere: &[("name", ON_STRUCT), ("version", ON_STRUCT), ("tags", ON_STRUCT), ("subscribe", ON_STRUCT), ("layers", ON_STRUCT)],
};

/// Reads `#[service]` and the impl it stands on.
///
/// # Errors
/// All mistakes in both, those of the handlers among them.
pub fn parse(attr: TokenStream, item: TokenStream) -> Result<ServiceImpl, Errors> {
    let mut errors = Collector::new();
    let mut options = Options::default();
    OPTIONS.parse(&mut errors, attr, &mut options);
    let item = errors.keep(syn::parse2::<ImplItem>(item));
    let service = item.and_then(|item| check(&mut errors, options, item));
    errors.finish(service)
}

fn check(errors: &mut Collector, options: Options, item: ImplItem) -> Option<ServiceImpl> {
    let Options { krate } = options;
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, "the impl of a service can't be generic: there is one of the service in a process");
        return None;
    }
    let Some(ident) = plain_name(&item.self_ty).cloned() else {
        errors.at(&item.self_ty, "#[service] expects the impl of a plain struct: `impl Name { .. }`");
        return None;
    };
    let service = syn::parse2(item.self_ty.to_token_stream()).ok()?;
    let common = Common::new(krate, &item.attrs, ident.span());
    let members = errors.keep(members.parse2(item.body))?;
    let mut service = ServiceImpl { common, service, ident, handlers: Vec::new(), routes: Vec::new() };
    if members.iter().all(|member| annotated(attrs_of(member)).is_none()) {
        let message = "this impl has no handler and no route: mark its methods with #[event_handler], #[command], #[query] or, for HTTP, #[get(\"/..\")], or take #[service] off it";
        errors.at(&item.self_ty, message);
    }
    for member in &members {
        read_member(errors, member, &mut service);
    }
    check_handlers(errors, &service.handlers);
    route::check_distinct(errors, service.routes.iter());
    Some(service)
}

pub(super) fn attrs_of(member: &Member) -> &[syn::Attribute] {
    match member {
        Member::Fn(function) => &function.attrs,
        Member::Other(attrs) => attrs,
    }
}

fn annotated(attrs: &[syn::Attribute]) -> Option<(Attribute, &syn::Attribute)> {
    kind::attribute_of(attrs)
}

/// What a method is to its service.
enum Role {
    Handler(handler::Kind),
    Route(Verb),
}

fn read_member(errors: &mut Collector, member: &Member, into: &mut ServiceImpl) {
    let Some((kind, attr)) = annotated(attrs_of(member)) else { return };
    if let Some((kind, second)) = second(attrs_of(member), attr) {
        errors.at(second, refused_second(kind));
    }
    match (role(errors, kind, attr), member) {
        (Some(Role::Handler(kind)), Member::Fn(function)) => {
            let tokens = errors.keep(arguments(attr)).unwrap_or_default();
            into.handlers.extend(errors.take(handler::parse_method(kind, tokens, function, &into.common)));
        }
        (Some(Role::Route(verb)), Member::Fn(function)) => {
            into.routes.extend(errors.take(route::parse_method(verb, attr, function, &into.common)));
        }
        (Some(Role::Handler(_)), Member::Other(_)) => errors.at(attr, "a handler is a method; this is none"),
        (Some(Role::Route(_)), Member::Other(_)) => errors.at(attr, "a route is a method; this is none"),
        (None, _) => {}
    }
}

fn second<'a>(attrs: &'a [syn::Attribute], first: &syn::Attribute) -> Option<(Attribute, &'a syn::Attribute)> {
    let others = attrs.iter().filter(|attr| !std::ptr::eq(*attr, first));
    others.filter_map(|attr| attribute(attr.path()).map(|kind| (kind, attr))).next()
}

fn refused_second(kind: Attribute) -> String {
    match kind {
        Attribute::Deferred(name) => deferred(name),
        Attribute::Rpc => rpc::OUTSIDE.to_owned(),
        _ => "a method is one handler or one route: put this attribute on a method of its own, which may call this one".to_owned(),
    }
}

fn role(errors: &mut Collector, kind: Attribute, attr: &syn::Attribute) -> Option<Role> {
    match kind {
        Attribute::EventHandler => return Some(Role::Handler(handler::Kind::Event)),
        Attribute::Command => return Some(Role::Handler(handler::Kind::Request(crate::RequestKind::Command))),
        Attribute::Query => return Some(Role::Handler(handler::Kind::Request(crate::RequestKind::Query))),
        Attribute::Route(verb) => return Some(Role::Route(verb)),
        Attribute::Event => {
            errors.at(attr, "#[event] makes a message of a struct; the handler of an event is marked with #[event_handler]")
        }
        Attribute::Service => errors.at(attr, "#[service] stands on the struct and on the impl, not on a method"),
        Attribute::Provider => errors.at(attr, "a provider is a free function: move it out of the impl"),
        Attribute::Rpc => errors.at(attr, rpc::OUTSIDE),
        Attribute::Client => errors.at(attr, "#[client] stands on a unit struct or on a trait, not on a method"),
        Attribute::Deferred(name) => errors.at(attr, deferred(name)),
    }
    None
}

/// Why an attribute of a later version is refused, and what to do until it exists.
#[must_use]
pub fn deferred(name: &str) -> String {
    let instead = match name {
        "authorize" | "public" => "check the caller in the handler, or in a custom layer",
        "upcast" => "give the changed shape a name of its own and handle both",
        "saga" | "step" | "on" => "drive the steps with events and #[event_handler]s",
        _ => "keep the state in a store of your own, handed out with a #[provider]",
    };
    format!("#[{name}] is not available yet; until it is, {instead}")
}

/// Of one event type a service handles each message once per group.
fn check_handlers(errors: &mut Collector, handlers: &[Handler]) {
    for (at, later) in handlers.iter().enumerate() {
        let same = |earlier: &&Handler| {
            // Alternatives under `#[cfg]` are for the compiler to tell apart.
            earlier.common.cfgs.is_empty()
                && later.common.cfgs.is_empty()
                && earlier.kind == later.kind
                && earlier.message_text() == later.message_text()
                && earlier.group_text() == later.group_text()
        };
        if let Some(earlier) = handlers[..at].iter().find(same) {
            errors.at(&later.message, duplicate(earlier, later));
        }
    }
}

fn duplicate(earlier: &Handler, later: &Handler) -> String {
    let (message, first) = (later.message_text(), &earlier.ident);
    match later.kind {
        handler::Kind::Event => format!(
            "a second handler of `{message}` in one group, beside `{first}`: call both from one handler, or give this one `group = \"..\"` and the service a `subscribe(\"topic\", group = \"..\")`"
        ),
        handler::Kind::Request(_) => format!("a second handler of `{message}`, beside `{first}`: a command or query has exactly one"),
    }
}
