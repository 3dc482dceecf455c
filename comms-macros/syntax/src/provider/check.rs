//! From tokens to a checked provider.

use proc_macro2::{Span, TokenStream};
use syn::{GenericArgument, Path, PathArguments, Type};

use super::model::Provider;
use crate::errors::Collector;
use crate::handler::{check_plain, output, parameters};
use crate::item::FnItem;
use crate::options::{Opt, Table, assigned, put};
use crate::{Common, Errors, ItemKind, item_kind};

#[derive(Default)]
struct Options {
    krate: Option<Path>,
}

const TABLE: Table<Options> = Table {
    attribute: "#[provider]",
    options: &[Opt { name: "crate", set: |o, name, input| put(&mut o.krate, assigned(name, input, |i| i.call(Path::parse_mod_style))) }],
    repeats: &[],
    elsewhere: &[
        ("name", "a value is found by its type, so a provider has no name; two values of one type need a newtype each"),
        ("scope", "a provider runs once, at start; every taker gets a clone of its value"),
        ("timeout", "not available yet; limit the time within the function"),
        ("retry", "not available yet; retry within the function"),
    ],
};

/// Reads `#[provider]` and the function it stands on.
///
/// # Errors
/// All mistakes in both.
pub fn parse(attr: TokenStream, item: TokenStream) -> Result<Provider, Errors> {
    let mut errors = Collector::new();
    let mut options = Options::default();
    TABLE.parse(&mut errors, attr, &mut options);
    let function = read_fn(&mut errors, item);
    let provider = function.and_then(|function| check(&mut errors, options, &function));
    errors.finish(provider)
}

fn read_fn(errors: &mut Collector, item: TokenStream) -> Option<FnItem> {
    let found = item_kind(&item);
    if found != ItemKind::Fn {
        let place = item.into_iter().next().map_or_else(Span::call_site, |first| first.span());
        errors.at_span(place, format!("#[provider] stands on a free function that returns the value, not on {}", found.described()));
        return None;
    }
    errors.keep(syn::parse2(item))
}

fn check(errors: &mut Collector, options: Options, function: &FnItem) -> Option<Provider> {
    let Options { krate } = options;
    let sig = &function.sig;
    check_plain(errors, sig, "a provider");
    if let Some(receiver) = sig.receiver() {
        errors.at(receiver, "a provider is a free function: what it needs comes as arguments");
    }
    let args = parameters(errors, sig);
    let output = output(errors, sig);
    if output.is_none() {
        errors.at(&sig.ident, "a provider returns the value that it provides: `-> Value` or `-> Result<Value, Error>`");
    }
    let fallible = output.as_ref().and_then(result_value);
    let common = Common::new(krate, &function.attrs, sig.ident.span());
    let (ident, vis, is_async) = (sig.ident.clone(), function.vis.clone(), sig.asyncness.is_some());
    Some(Provider { common, ident, vis, args, is_async, output: output?, fallible })
}

/// Tells `Result<Value, ..>`, also `anyhow::Result<Value>`, from a plain value by the name.
fn result_value(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(value) => Some(value.clone()),
        _ => None,
    }
}
