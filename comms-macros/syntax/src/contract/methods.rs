//! The methods of a contract: every one has a route, and types that can be named on both sides.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{FnArg, GenericArgument, Pat, PathArguments, Type};

use super::headers;
use super::item::{TraitFn, TraitMember};
use super::model::Method;
use crate::errors::Collector;
use crate::handler::type_text;
use crate::item::FnItem;
use crate::kind::{Attribute, attribute};
use crate::route::{self, Idempotency, Parameter, Place, Route, Verb};
use crate::service::deferred;
use crate::{Common, names};

/// The header that a key of idempotency travels in.
const KEY_HEADER: &str = "idempotency-key";

pub(super) fn read(errors: &mut Collector, members: &[TraitMember], contract: &Common) -> Vec<Method> {
    let methods: Vec<Method> = members.iter().filter_map(|member| read_member(errors, member, contract)).collect();
    route::check_distinct(errors, methods.iter().map(|method| &method.route));
    methods
}

fn read_member(errors: &mut Collector, member: &TraitMember, contract: &Common) -> Option<Method> {
    match member {
        TraitMember::Fn(function) => read_fn(errors, function, contract),
        TraitMember::Other { tokens, .. } => {
            errors.at(tokens, "a contract consists of methods: types and constants stand beside the trait, where both sides see them");
            None
        }
    }
}

fn read_fn(errors: &mut Collector, function: &TraitFn, contract: &Common) -> Option<Method> {
    let (verb, attr) = route_of(errors, function)?;
    if let Some(body) = function.body() {
        errors.at_span(body, "a method of a contract has no body: what it does is said by the service that implements it");
    }
    let item = FnItem { attrs: function.attrs.clone(), vis: syn::Visibility::Inherited, sig: function.sig.clone() };
    let (route, idempotency) = errors.take(route::parse_contract_method(verb, attr, &item, contract))?;
    let arguments = arguments(errors, function);
    check_places(errors, &route, idempotency);
    headers::check(errors, function);
    check_named(errors, route.output.as_ref());
    let (value, error) = results(errors, route.output.as_ref());
    // A mistake in an argument has been said.
    let complete = arguments.len() == route.parameters.len();
    complete.then_some(Method { route, idempotency, arguments, value, error })
}

/// The one route attribute of a method.
fn route_of<'a>(errors: &mut Collector, function: &'a TraitFn) -> Option<(Verb, &'a syn::Attribute)> {
    let mut ours = function.attrs.iter().filter_map(|attr| Some((attribute(attr.path())?, attr)));
    let Some((kind, attr)) = ours.next() else {
        let name = names::entry(&function.sig.ident).replace('_', "-");
        let message = format!(
            "`{}` has no route, by which a call of it could travel: write `#[post(\"/{name}\")]`, or another of #[get], #[put], #[patch], #[delete]",
            function.sig.ident
        );
        errors.at(&function.sig.ident, message);
        return None;
    };
    if let Some((kind, second)) = ours.next() {
        errors.at(second, refused(kind, "a method has one route: put this one on a method of its own"));
    }
    match kind {
        Attribute::Route(verb) => Some((verb, attr)),
        kind => {
            errors.at(attr, refused(kind, "a contract consists of routes; messages are handled by methods of a service's own impl"));
            None
        }
    }
}

fn refused(kind: Attribute, otherwise: &str) -> String {
    match kind {
        Attribute::Deferred(name) => deferred(name),
        Attribute::Rpc => crate::service::ONLY_GRPC.to_owned(),
        _ => otherwise.to_owned(),
    }
}

/// The names of the arguments: the client's method has them too.
fn arguments(errors: &mut Collector, function: &TraitFn) -> Vec<Ident> {
    let typed = function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    });
    let mut idents = Vec::new();
    for argument in typed {
        match &*argument.pat {
            Pat::Ident(pat) if pat.subpat.is_none() => idents.push(pat.ident.clone()),
            pat => errors.at(pat, "name the argument: the client's method has it too"),
        }
    }
    idents
}

/// What a client can send.
fn check_places(errors: &mut Collector, route: &Route, idempotency: Option<Idempotency>) {
    for Parameter { place, name, ty } in &route.parameters {
        match place {
            Place::Extracted => errors.at(
                ty,
                "an extractor takes something of the request that the client knows nothing about: take it as a header, query parameter or body, or make this a route of the service's own impl",
            ),
            Place::Header if name == KEY_HEADER && idempotency == Some(Idempotency::Key) => {
                errors.at(ty, format!("the header `{KEY_HEADER}` is sent because of `idempotency_key`: take one of the two away"));
            }
            _ => {}
        }
    }
}

/// The value and the error of what is returned.
fn results(errors: &mut Collector, output: Option<&Type>) -> (Option<Type>, Option<Type>) {
    let Some(output) = output else { return (None, None) };
    let Some(arguments) = result_arguments(output) else { return (Some(output.clone()), None) };
    match &arguments[..] {
        [value, error] => ((!is_unit(value)).then(|| value.clone()), Some(error.clone())),
        _ => {
            let message = format!(
                "`{}` does not say its error: write `Result<Value, Error>`, since the client gets the same error as its type",
                type_text(output)
            );
            errors.at(output, message);
            (None, None)
        }
    }
}

/// What has no name can't be the type that a client gets.
fn check_named(errors: &mut Collector, output: Option<&Type>) {
    if let Some(hidden) = output.and_then(|output| first_impl(output.to_token_stream())) {
        let message = "the client of a contract has to name what it gets: write the type itself; for streams `comms::http::EventStream` or `comms::http::ByteStream`, which are made of any stream by `of(..)`";
        errors.at_span(hidden, message);
    }
}

fn first_impl(tokens: TokenStream) -> Option<Span> {
    tokens.into_iter().find_map(|tree| match tree {
        TokenTree::Group(group) => first_impl(group.stream()),
        TokenTree::Ident(ident) => (ident == "impl").then(|| ident.span()),
        _ => None,
    })
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// The types within a `Result`, which is told by its name.
fn result_arguments(ty: &Type) -> Option<Vec<Type>> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Some(Vec::new()) };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    Some(types.collect())
}
