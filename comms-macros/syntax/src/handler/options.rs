//! The options of handlers: of events, and of commands and queries.

use std::time::Duration;

use proc_macro2::{Ident, Span};
use syn::parse::ParseStream;
use syn::{Path, Token, Type};

use super::model::{Batching, Kind, Retry};
use crate::options::{Opt, Table, assigned, bare, nested, parenthesized, put, replace};
use crate::value::{amount, backoff, checked_text, count, duration, list, within};
use crate::{RequestKind, Setting, Text, names};

/// The options as they were written.
#[derive(Default)]
pub(super) struct Options {
    pub(super) krate: Option<Path>,
    pub(super) group: Option<Text>,
    pub(super) service: Option<Text>,
    pub(super) retry: Option<Retry>,
    pub(super) timeout: Option<Setting<Duration>>,
    pub(super) batch: Option<(Span, Batching)>,
    pub(super) transactional: Option<Span>,
    pub(super) publishes: Vec<Type>,
}

const ON_MESSAGE: &str = "it belongs on the struct of the message";
const IN_SUBSCRIBE: &str = "it belongs to the subscription: #[service(.., subscribe(\"topic\", ..))] on the service's struct";
const IN_RETRY: &str = "it belongs into `retry(..)`: `retry(max = 5, immediate = 2, backoff = \"100ms..30s\")`";
const NO_RETRY: &str = "a request is answered once; whoever sent it decides whether to send it again";
const NOT_YET: &str = "not available yet; leave it out";
const TOPIC: &str = "it follows from the message: `topic = \"..\"` stands on its struct";

const GROUP: Opt<Options> =
    Opt { name: "group", set: |o, name, input| put(&mut o.group, assigned(name, input, |i| checked_text(i, names::name))) };
const RETRY: Opt<Options> = Opt { name: "retry", set: |o, name, input| put(&mut o.retry, retry(name, input)) };
const TIMEOUT: Opt<Options> = Opt { name: "timeout", set: |o, name, input| put(&mut o.timeout, assigned(name, input, duration)) };
const BATCH: Opt<Options> = Opt {
    name: "batch",
    set: |o, name, input| {
        parenthesized(name, input)?;
        let mut batching = Batching::default();
        within(input, |inner| nested(&BATCH_TABLE, inner, &mut batching))?;
        o.batch = Some((name.span(), batching));
        Ok(())
    },
};
const TRANSACTIONAL: Opt<Options> =
    Opt { name: "transactional", set: |o, name, input| put(&mut o.transactional, bare(name, input).map(|()| name.span())) };
const PUBLISHES: Opt<Options> = Opt {
    name: "publishes",
    set: |o, name, input| parenthesized(name, input).and_then(|()| replace(&mut o.publishes, list(input, |i| i.parse()))),
};
const SERVICE: Opt<Options> =
    Opt { name: "service", set: |o, name, input| put(&mut o.service, assigned(name, input, |i| checked_text(i, names::name))) };
const CRATE: Opt<Options> =
    Opt { name: "crate", set: |o, name, input| put(&mut o.krate, assigned(name, input, |i| i.call(Path::parse_mod_style))) };

const OF_IMPL: &str = "it stands on free functions only; a method follows the impl that it is in";

const EVENT_ELSEWHERE: [(&str, &str); 21] = [
    ("exactly_once", "write `transactional`: what the handler publishes becomes visible together with the settlement of its message"),
    ("service", OF_IMPL),
    ("crate", OF_IMPL),
    ("name", ON_MESSAGE),
    ("version", ON_MESSAGE),
    ("topic", TOPIC),
    ("key", ON_MESSAGE),
    ("codec", ON_MESSAGE),
    ("owner", "only commands and queries have an owner"),
    ("ordered", IN_SUBSCRIBE),
    ("concurrency", IN_SUBSCRIBE),
    ("dedup", IN_SUBSCRIBE),
    ("throttle", IN_SUBSCRIBE),
    ("from", IN_SUBSCRIBE),
    ("broker", IN_SUBSCRIBE),
    ("subscribe", "it stands in #[service(..)] on the service's struct"),
    ("max", IN_RETRY),
    ("immediate", IN_RETRY),
    ("backoff", IN_RETRY),
    ("limit", NOT_YET),
    ("authorize", NOT_YET),
];

const BATCH_TABLE: Table<Batching> = Table {
    attribute: "`batch(..)`",
    options: &[
        Opt { name: "max", set: |o, name, input| put(&mut o.max, assigned(name, input, count)) },
        Opt { name: "wait", set: |o, name, input| put(&mut o.wait, assigned(name, input, duration)) },
    ],
    repeats: &[],
    elsewhere: &[("timeout", "it stands beside `batch(..)`, and is the time of one call"), ("concurrency", IN_SUBSCRIBE)],
};

const REQUEST_ELSEWHERE: [(&str, &str); 20] = [
    ("transactional", "an answer is sent at once: publish from an event handler, `#[event_handler(transactional)]`"),
    ("service", OF_IMPL),
    ("crate", OF_IMPL),
    ("name", ON_MESSAGE),
    ("version", ON_MESSAGE),
    ("topic", TOPIC),
    ("key", ON_MESSAGE),
    ("codec", ON_MESSAGE),
    ("owner", ON_MESSAGE),
    ("reply", "it belongs on the struct of the message, and the handler returns it"),
    ("error", "it belongs on the struct of the message, and the handler returns it"),
    ("schema", ON_MESSAGE),
    ("retry", NO_RETRY),
    ("max", NO_RETRY),
    ("backoff", NO_RETRY),
    ("batch", "requests are answered one by one"),
    ("group", "a request has exactly one handler, so there are no groups"),
    ("concurrency", NOT_YET),
    ("limit", NOT_YET),
    ("authorize", NOT_YET),
];

pub(super) fn table(kind: Kind, method: bool) -> Table<Options> {
    let options: &'static [Opt<Options>] = match (kind, method) {
        (Kind::Event, false) => &[GROUP, RETRY, TIMEOUT, BATCH, TRANSACTIONAL, PUBLISHES, SERVICE, CRATE],
        (Kind::Event, true) => &[GROUP, RETRY, TIMEOUT, BATCH, TRANSACTIONAL, PUBLISHES],
        (Kind::Request(_), false) => &[TIMEOUT, PUBLISHES, SERVICE, CRATE],
        (Kind::Request(_), true) => &[TIMEOUT, PUBLISHES],
    };
    let (attribute, elsewhere): (_, &'static [(&str, &str)]) = match kind {
        Kind::Event => ("#[event_handler]", &EVENT_ELSEWHERE),
        Kind::Request(RequestKind::Command) => ("#[command] on a handler", &REQUEST_ELSEWHERE),
        Kind::Request(RequestKind::Query) => ("#[query] on a handler", &REQUEST_ELSEWHERE),
    };
    Table { attribute, options, repeats: &[], elsewhere }
}

#[derive(Default)]
struct RetryOptions {
    max: Option<Setting<u32>>,
    immediate: Option<Setting<u32>>,
    backoff: Option<(Duration, Duration)>,
}

const RETRY_TABLE: Table<RetryOptions> = Table {
    attribute: "`retry(..)`",
    options: &[
        Opt { name: "max", set: |o, name, input| put(&mut o.max, assigned(name, input, amount)) },
        Opt { name: "immediate", set: |o, name, input| put(&mut o.immediate, assigned(name, input, amount)) },
        Opt { name: "backoff", set: |o, name, input| put(&mut o.backoff, assigned(name, input, backoff)) },
    ],
    repeats: &[],
    elsewhere: &[("timeout", "it stands beside `retry(..)`, and is the time of one attempt"), ("group", "it stands beside `retry(..)`")],
};

fn retry(name: &Ident, input: ParseStream<'_>) -> syn::Result<Retry> {
    if input.peek(Token![=]) {
        let expected = "expected the path of a `RetryDecl` constant, or `retry(max = 5, immediate = 2, backoff = \"100ms..30s\")`";
        return assigned(name, input, |i| i.call(Path::parse_mod_style).map_err(|_| i.error(expected))).map(Retry::Constant);
    }
    parenthesized(name, input)?;
    let mut options = RetryOptions::default();
    within(input, |inner| nested(&RETRY_TABLE, inner, &mut options))?;
    let RetryOptions { max, immediate, backoff } = options;
    if let (Some(Setting::Literal(max)), Some(Setting::Literal(immediate))) = (&max, &immediate)
        && immediate > max
    {
        return Err(syn::Error::new(
            name.span(),
            format!("`immediate = {immediate}` is more than `max = {max}`: the immediate retries are among all of them"),
        ));
    }
    Ok(Retry::Said { max, immediate, backoff })
}
