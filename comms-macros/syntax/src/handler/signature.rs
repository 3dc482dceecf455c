//! What the signature of a handler or provider may look like.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, FnArg, GenericArgument, PathArguments, Receiver, ReceiverKind, ReturnType, Signature, Type};

use super::model::Argument;
use crate::errors::Collector;
use crate::item::cfgs;

/// As many arguments can be injected as the runtime's tuples are long.
const MAX_ARGS: usize = 12;

/// Refuses what no annotated function can be. `what` is "a handler", "a provider".
pub(crate) fn check_plain(errors: &mut Collector, sig: &Signature, what: &str) {
    if !sig.generics.params.is_empty() {
        errors.at(&sig.generics, format!("{what} can't be generic: comms calls it with concrete types"));
    }
    if let Some(clause) = &sig.generics.where_clause {
        errors.at(clause, format!("{what} can't have a `where` clause: comms calls it with concrete types"));
    }
    if let syn::Safety::Unsafe(token) = &sig.safety {
        errors.at(token, format!("{what} can't be `unsafe`: comms calls it"));
    }
    if let Some(token) = &sig.constness {
        errors.at(token, format!("{what} can't be `const`"));
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, format!("{what} can't have an ABI of its own"));
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic, format!("{what} has a fixed number of arguments"));
    }
}

/// Handlers and routes are async.
pub(crate) fn check_async(errors: &mut Collector, sig: &Signature, what: &str) {
    if sig.asyncness.is_none() {
        errors.at(sig.fn_token, format!("{what} is an `async fn`: write `async fn {}`", sig.ident));
    }
}

/// A method takes `&self`: `missing` says so, `shared` says why by reference.
pub(crate) fn check_receiver(errors: &mut Collector, sig: &Signature, missing: &str, shared: &str) {
    match sig.receiver() {
        None => errors.at(&sig.ident, missing),
        Some(Receiver { kind: ReceiverKind::Reference(_, None, None), .. }) => {}
        Some(receiver) => errors.at(receiver, format!("{shared}: write `&self`, and keep what changes behind a lock or a channel")),
    }
}

/// The types of the parameters that are no receiver.
pub(crate) fn parameters(errors: &mut Collector, sig: &Signature) -> Vec<Type> {
    let mut types = Vec::new();
    for input in &sig.inputs {
        if let FnArg::Typed(parameter) = input {
            check_unconditional(errors, &parameter.attrs);
            check_by_value(errors, &parameter.ty, "the message and the injected values are handed over by value");
            types.push((*parameter.ty).clone());
        }
    }
    if types.len() > MAX_ARGS {
        errors.at(
            &types[MAX_ARGS],
            format!("at most {MAX_ARGS} values can be injected: put some of them in a struct with a #[provider] of its own"),
        );
    }
    types
}

/// An argument is there or not together with its function.
pub(crate) fn check_unconditional(errors: &mut Collector, attrs: &[Attribute]) {
    if let Some(cfg) = cfgs(attrs).first() {
        errors.at(cfg, "a single argument can't be conditional: put `#[cfg]` on two versions of the whole function");
    }
}

/// An argument has a type of its own that can be named elsewhere; `why` says how it is handed over.
pub(crate) fn check_by_value(errors: &mut Collector, ty: &Type, why: &str) {
    match ty {
        Type::Reference(_) => errors.at(ty, format!("{why}: take it without `&`")),
        Type::ImplTrait(_) => errors.at(ty, "name the type: comms looks for the value by its type, `impl Trait` has none"),
        Type::Infer(_) => errors.at(ty, "name the type: comms looks for the value by its type"),
        _ if mentions_self(ty.to_token_stream()) => errors.at(ty, "name the type: `Self` is unknown where comms calls the handler"),
        _ => {}
    }
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Group(group) => mentions_self(group.stream()),
        tree => tree.to_string() == "Self",
    })
}

/// What it returns, if anything.
pub(crate) fn output(errors: &mut Collector, sig: &Signature) -> Option<Type> {
    match &sig.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => {
            if matches!(**ty, Type::ImplTrait(_)) || mentions_self(ty.to_token_stream()) {
                errors.at(ty, "name the type that is returned, without `impl` and `Self`");
            }
            (!is_unit(ty)).then(|| (**ty).clone())
        }
    }
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// The further arguments.
pub(super) fn arguments(types: Vec<Type>) -> Vec<Argument> {
    types.into_iter().map(|ty| Argument { ty }).collect()
}

/// The event type of a `Publisher<T>`, told by the name.
#[must_use]
pub fn published(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Publisher")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(event) => Some(event.clone()),
        _ => None,
    }
}
