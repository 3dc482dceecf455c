//! The options of `#[service]`, of `subscribe(..)` and of `ordered(..)`.

use std::time::Duration;

use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::{LitStr, Path, Token, Type};

use super::model::{After, Ordered, Start, Subscription};
use crate::options::{Opt, Table, assigned, nested, parenthesized, put, replace};
use crate::value::{checked_text, choice, count, duration, list, rate, text, within};
use crate::{Rate, Setting, Text, names};

/// The options of the struct, as they were written.
#[derive(Default)]
pub(super) struct Options {
    pub(super) krate: Option<Path>,
    pub(super) name: Option<Text>,
    pub(super) version: Option<Text>,
    pub(super) tags: Vec<Text>,
    pub(super) layers: Vec<Type>,
    pub(super) subscriptions: Vec<Subscription>,
}

/// The options of one subscription, as they were written.
#[derive(Default)]
struct SubscriptionOptions {
    group: Option<Text>,
    broker: Option<Text>,
    ordered: Option<Ordered>,
    concurrency: Option<Setting<usize>>,
    dedup: Option<Setting<Duration>>,
    throttle: Option<Setting<Rate>>,
    from: Option<Start>,
}

const IN_SUBSCRIBE: &str = "it belongs to one subscription: `subscribe(\"topic\", ..)`";
const ON_HANDLERS: &str = "it belongs to one handler: #[event_handler(..)], #[command(..)] or #[query(..)] on a method";
const ON_MESSAGES: &str = "it belongs on the struct of the message";
const NOT_YET: &str = "not available yet; leave it out";

pub(super) const TABLE: Table<Options> = Table {
    attribute: "#[service]",
    options: &[
        Opt { name: "name", set: |o, name, input| put(&mut o.name, assigned(name, input, |i| checked_text(i, names::name))) },
        Opt {
            name: "version",
            set: |o, name, input| put(&mut o.version, assigned(name, input, |i| checked_text(i, names::service_version))),
        },
        Opt { name: "tags", set: |o, name, input| parenthesized(name, input).and_then(|()| replace(&mut o.tags, list(input, text))) },
        Opt {
            name: "subscribe",
            set: |o, name, input| {
                parenthesized(name, input).and_then(|()| subscription(name.span(), input).map(|read| o.subscriptions.push(read)))
            },
        },
        Opt {
            name: "layers",
            set: |o, name, input| parenthesized(name, input).and_then(|()| replace(&mut o.layers, list(input, |i| i.parse()))),
        },
        Opt { name: "crate", set: |o, name, input| put(&mut o.krate, assigned(name, input, |i| i.call(Path::parse_mod_style))) },
    ],
    repeats: &["subscribe"],
    elsewhere: &[
        ("group", IN_SUBSCRIBE),
        ("ordered", IN_SUBSCRIBE),
        ("concurrency", IN_SUBSCRIBE),
        ("dedup", IN_SUBSCRIBE),
        ("throttle", IN_SUBSCRIBE),
        ("from", IN_SUBSCRIBE),
        ("broker", IN_SUBSCRIBE),
        ("topic", "a service listens with `subscribe(\"topic\", ..)`"),
        ("retry", ON_HANDLERS),
        ("timeout", ON_HANDLERS),
        ("transactional", ON_HANDLERS),
        ("publishes", "a field of type `Publisher<Event>` says it, or `publishes(..)` on a handler"),
        ("owner", ON_MESSAGES),
        ("key", ON_MESSAGES),
        ("codec", ON_MESSAGES),
        ("discovery", NOT_YET),
        ("register", NOT_YET),
        ("metadata", NOT_YET),
        ("limit", NOT_YET),
        ("authorize", NOT_YET),
        ("public", NOT_YET),
        ("http", NOT_YET),
        ("grpc", NOT_YET),
    ],
};

const AFTER: [(&str, After); 2] = [("park-key", After::ParkKey), ("continue", After::Continue)];
const START: [(&str, Start); 2] = [("new", Start::New), ("earliest", Start::Earliest)];

const SUBSCRIBE: Table<SubscriptionOptions> = Table {
    attribute: "`subscribe(..)`",
    options: &[
        Opt { name: "group", set: |o, name, input| put(&mut o.group, assigned(name, input, |i| checked_text(i, names::name))) },
        Opt { name: "ordered", set: |o, _, input| put(&mut o.ordered, ordered(input)) },
        Opt { name: "concurrency", set: |o, name, input| put(&mut o.concurrency, assigned(name, input, count)) },
        Opt { name: "dedup", set: |o, name, input| put(&mut o.dedup, assigned(name, input, duration)) },
        Opt { name: "throttle", set: |o, name, input| put(&mut o.throttle, assigned(name, input, rate)) },
        Opt { name: "from", set: |o, name, input| put(&mut o.from, assigned(name, input, |i| choice(i, "start", &START))) },
        Opt { name: "broker", set: |o, name, input| put(&mut o.broker, assigned(name, input, |i| checked_text(i, names::name))) },
    ],
    repeats: &[],
    elsewhere: &[
        ("topic", "the topic comes first, without a name: `subscribe(\"orders\", ..)`"),
        ("shards", IN_ORDERED),
        ("after", IN_ORDERED),
        ("retry", ON_HANDLERS),
        ("timeout", ON_HANDLERS),
        ("transactional", ON_HANDLERS),
        ("name", "it belongs to the service: #[service(name = \"..\", ..)]"),
        ("version", "it belongs to the service: #[service(version = \"..\", ..)]"),
        ("limit", NOT_YET),
    ],
};

const IN_ORDERED: &str = "it belongs into `ordered(..)`: `ordered(shards = 16, after = \"park-key\")`";

const ORDERED: Table<Ordered> = Table {
    attribute: "`ordered(..)`",
    options: &[
        Opt { name: "shards", set: |o, name, input| put(&mut o.shards, assigned(name, input, count)) },
        Opt { name: "after", set: |o, name, input| replace(&mut o.after, assigned(name, input, |i| choice(i, "policy", &AFTER))) },
    ],
    repeats: &[],
    elsewhere: &[("concurrency", IN_SUBSCRIBE), ("group", IN_SUBSCRIBE), ("dedup", IN_SUBSCRIBE)],
};

fn ordered(input: ParseStream<'_>) -> syn::Result<Ordered> {
    let mut ordered = Ordered::default();
    if input.peek(syn::token::Paren) {
        within(input, |inner| nested(&ORDERED, inner, &mut ordered))?;
    }
    Ok(ordered)
}

fn subscription(span: Span, input: ParseStream<'_>) -> syn::Result<Subscription> {
    within(input, |inner| {
        let topic = topic(span, inner)?;
        let mut options = SubscriptionOptions::default();
        nested(&SUBSCRIBE, inner, &mut options)?;
        let SubscriptionOptions { group, broker, ordered, concurrency, dedup, throttle, from } = options;
        Ok(Subscription { topic, group, broker, ordered, concurrency, dedup, throttle, from, span })
    })
}

fn topic(span: Span, input: ParseStream<'_>) -> syn::Result<Text> {
    if !input.peek(LitStr) {
        let text = "expected the topic first, as a literal text: `subscribe(\"orders\", ..)`";
        return Err(if input.is_empty() { syn::Error::new(span, text) } else { input.error(text) });
    }
    let topic = checked_text(input, names::topic_pattern)?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(topic)
}
