//! Headers that no argument of a contract can be: the client, the connection or the type of something else says them.

use syn::{FnArg, LitStr};

use super::item::TraitFn;
use crate::errors::Collector;

const OF_CONNECTION: &str = "it belongs to the connection, which is made and kept for you";
const OF_BODY: &str = "it follows from the body: take the body as the type that says it";
const OF_CONTEXT: &str = "the client sends it out of the context of the work, and the service has it in `Context::current()`";

/// Each with who says it.
const TAKEN: [(&str, &str); 17] = [
    ("accept", "it follows from what the method returns"),
    ("content-type", OF_BODY),
    ("content-length", OF_BODY),
    ("content-encoding", OF_BODY),
    ("transfer-encoding", OF_BODY),
    ("trailer", OF_BODY),
    ("expect", OF_CONNECTION),
    ("host", "it follows from the address of the service"),
    ("connection", OF_CONNECTION),
    ("keep-alive", OF_CONNECTION),
    ("proxy-connection", OF_CONNECTION),
    ("te", OF_CONNECTION),
    ("upgrade", OF_CONNECTION),
    ("traceparent", OF_CONTEXT),
    ("tracestate", OF_CONTEXT),
    ("x-request-id", OF_CONTEXT),
    ("grpc-timeout", "the client sends it: how long it waits, which is the deadline of the context at the service"),
];

pub(super) fn check(errors: &mut Collector, function: &TraitFn) {
    let attrs = function.sig.inputs.iter().flat_map(|input| match input {
        FnArg::Typed(argument) => &argument.attrs[..],
        FnArg::Receiver(_) => &[],
    });
    for attr in attrs.filter(|attr| attr.path().is_ident("header")) {
        // What is no name has been said.
        let Ok(name) = attr.parse_args::<LitStr>() else { continue };
        if let Some((taken, why)) = TAKEN.iter().find(|(taken, _)| *taken == name.value()) {
            errors.at(&name, format!("`{taken}` can't be an argument of a contract: {why}"));
        }
    }
}
