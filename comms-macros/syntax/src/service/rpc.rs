//! `#[rpc(..)]` on a method of the impl of a gRPC trait.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;

use super::model::Rpc;
use crate::errors::Collector;
use crate::item::{FnItem, cfgs};
use crate::options::{Opt, Table, assigned, nested, parenthesized, put};
use crate::value::{duration, size, within};
use crate::{Errors, Setting, kind};

pub(crate) const OUTSIDE: &str = "#[rpc] stands on a method of a gRPC service: in `#[service] impl Generated for Name`, the impl of a trait that was generated from a `.proto` file";

/// The options as they were written.
#[derive(Default)]
struct Options {
    timeout: Option<Setting<Duration>>,
    limit: Limits,
}

/// `limit(..)`.
#[derive(Default)]
struct Limits {
    request: Option<Setting<u64>>,
    answer: Option<Setting<u64>>,
}

const NOT_YET: &str = "not available yet; leave it out";
const NO_RETRY: &str = "a call is answered once; whoever made it decides whether to make it again";
const IN_LIMIT: &str = "it belongs into `limit(..)`: `limit(request = \"64KiB\", answer = \"1MiB\")`";
const IN_PROTO: &str = "the `.proto` file says it, where callers see it too: `option idempotency_level = IDEMPOTENT;` in the method";

const TABLE: Table<Options> = Table {
    attribute: "#[rpc]",
    options: &[
        Opt { name: "timeout", set: |o, name, input| put(&mut o.timeout, assigned(name, input, duration)) },
        Opt {
            name: "limit",
            set: |o, name, input| parenthesized(name, input).and_then(|()| within(input, |inner| nested(&LIMITS, inner, &mut o.limit))),
        },
    ],
    repeats: &[],
    elsewhere: &[
        ("request", IN_LIMIT),
        ("answer", IN_LIMIT),
        ("body", IN_LIMIT),
        ("request_limit", IN_LIMIT),
        ("answer_limit", IN_LIMIT),
        ("idempotent", IN_PROTO),
        ("idempotency_key", IN_PROTO),
        ("idempotency_level", IN_PROTO),
        ("retry", NO_RETRY),
        ("max", NO_RETRY),
        ("backoff", NO_RETRY),
        ("name", "a method is named in the `.proto` file"),
        ("status", "the error of the method says its code"),
        ("crate", "a method follows the impl that it is in: #[service(crate = path)]"),
        ("doc", "the comment in the `.proto` file says it"),
        ("compression", "it is one for all methods: `grpc.compression` in comms.toml"),
        ("concurrency", NOT_YET),
        ("rate", NOT_YET),
        ("authorize", NOT_YET),
        ("public", NOT_YET),
    ],
};

const LIMITS: Table<Limits> = Table {
    attribute: "`limit(..)` of #[rpc]",
    options: &[
        Opt { name: "request", set: |o, name, input| put(&mut o.request, assigned(name, input, size)) },
        Opt { name: "answer", set: |o, name, input| put(&mut o.answer, assigned(name, input, size)) },
    ],
    repeats: &[],
    elsewhere: &[
        ("body", "a call has messages in both directions: `request` and `answer`"),
        ("timeout", "it stands beside `limit(..)`"),
        ("rate", NOT_YET),
        ("concurrency", NOT_YET),
    ],
};

/// Reads the attribute on the method.
pub(super) fn parse(errors: &mut Collector, attr: &syn::Attribute, function: &FnItem) -> Option<Rpc> {
    let tokens = errors.keep(kind::arguments(attr))?;
    if tokens.is_empty() {
        errors.at(attr, "#[rpc] says nothing: write `#[rpc(timeout = \"2s\", limit(request = \"64KiB\", answer = \"1MiB\"))]`, any of them, or leave it out");
        return None;
    }
    let mut options = Options::default();
    TABLE.parse(errors, tokens, &mut options);
    // Taken apart, so that no option can be forgotten here.
    let Options { timeout, limit: Limits { request, answer } } = options;
    Some(Rpc {
        ident: function.sig.ident.clone(),
        span: attr.path().span(),
        cfgs: cfgs(&function.attrs),
        timeout,
        request_limit: request,
        answer_limit: answer,
    })
}

/// Why the attribute can't stand where `#[service]` has not read it.
#[must_use]
pub fn refuse_outside(item: TokenStream) -> Errors {
    let place = item.into_iter().next().map_or_else(Span::call_site, |first| first.span());
    syn::Error::new(place, OUTSIDE).into()
}
