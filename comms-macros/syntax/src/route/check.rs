//! From tokens to a checked route.

use proc_macro2::{Span, TokenStream};

use super::options::{self, Limits, Options, Side};
use super::{Idempotency, Route, Verb, arguments};
use crate::errors::Collector;
use crate::handler::{check_async, check_plain, check_receiver, output};
use crate::item::FnItem;
use crate::{Common, Errors, ItemKind, item_kind, kind};

/// Reads a route attribute on a method of a service's impl, whose crate path it shares.
pub(crate) fn parse_method(verb: Verb, attr: &syn::Attribute, function: &FnItem, service: &Common) -> Result<Route, Errors> {
    parse(Side::Service, verb, attr, function, service).map(|(route, _)| route)
}

/// The same on a method of a contract, which may say what callers need to know.
pub(crate) fn parse_contract_method(
    verb: Verb,
    attr: &syn::Attribute,
    function: &FnItem,
    contract: &Common,
) -> Result<(Route, Option<Idempotency>), Errors> {
    parse(Side::Contract, verb, attr, function, contract)
}

fn parse(
    side: Side,
    verb: Verb,
    attr: &syn::Attribute,
    function: &FnItem,
    around: &Common,
) -> Result<(Route, Option<Idempotency>), Errors> {
    let mut errors = Collector::new();
    let example = || syn::Error::new_spanned(attr, format!("the path stands in parentheses: `#[{}(\"/orders/{{id}}\")]`", verb.name()));
    let tokens = errors.keep(kind::arguments(attr).map_err(|_| example()));
    let route = tokens.and_then(|tokens| check(&mut errors, side, verb, attr, tokens, function, around));
    errors.finish(route)
}

fn check(
    errors: &mut Collector,
    side: Side,
    verb: Verb,
    attr: &syn::Attribute,
    tokens: TokenStream,
    function: &FnItem,
    around: &Common,
) -> Option<(Route, Option<Idempotency>)> {
    let sig = &function.sig;
    let (path, options) = options::read(errors, side, verb, attr, tokens);
    // Taken apart, so that no option can be forgotten here.
    let Options { status, timeout, limit: Limits { body }, idempotency } = options;
    let missing = "a route takes `&self` first: it is answered by its service";
    check_receiver(errors, sig, missing, "a service answers many requests at once, so its routes share it");
    check_plain(errors, sig, "a route");
    check_async(errors, sig, "a route");
    let parameters = arguments::read(errors, verb, path.as_ref(), sig);
    let output = output(errors, sig);
    if let Some((_, span)) = body.as_ref().filter(|_| !verb.has_body()) {
        errors.at_span(*span, format!("a {} request has no body to be limited: leave it out", verb.method()));
    }
    let common = Common::new(Some(around.krate.clone()), &function.attrs, sig.ident.span());
    let body_limit = body.map(|(limit, _)| limit);
    let route = Route { common, verb, ident: sig.ident.clone(), path: path?, parameters, output, status, timeout, body_limit };
    Some((route, idempotency.map(|(idempotency, _)| idempotency)))
}

/// Why a route attribute can't stand where `#[service]` has not read it.
#[must_use]
pub fn refuse_outside(verb: Verb, item: TokenStream) -> Errors {
    let attribute = verb.attribute();
    let found = item_kind(&item);
    let place = item.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span());
    let error = match (found, syn::parse2::<FnItem>(item)) {
        (ItemKind::Fn, Ok(function)) => match function.sig.receiver() {
            Some(receiver) => syn::Error::new_spanned(
                receiver,
                format!(
                    "{attribute} works only in an impl marked with #[service], directly on the method (not within #[cfg_attr]): put #[service] on the impl"
                ),
            ),
            None => syn::Error::new(
                function.sig.ident.span(),
                format!(
                    "a route is a method of a service: move `{}` into an impl marked with #[service], and let it take `&self`",
                    function.sig.ident
                ),
            ),
        },
        (ItemKind::Impl, _) => {
            syn::Error::new(place, format!("{attribute} stands on a method: put #[service] on the impl, and this on its methods"))
        }
        _ => syn::Error::new(
            place,
            format!("{attribute} stands on a method of an impl marked with #[service], not on {}", found.described()),
        ),
    };
    error.into()
}
