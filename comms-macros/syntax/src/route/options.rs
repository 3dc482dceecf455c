//! The path and the options of a route.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{LitStr, Token, token};

use super::{Idempotency, Template, Verb};
use crate::Setting;
use crate::errors::Collector;
use crate::options::{Opt, Table, assigned, bare, nested, parenthesized, put};
use crate::value::{duration, size, status, text, within};

/// Whose method a route is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Of a service's own impl.
    Service,
    /// Of a trait that callers share.
    Contract,
}

/// The options as they were written.
#[derive(Default)]
pub(super) struct Options {
    pub(super) status: Option<u16>,
    pub(super) timeout: Option<Setting<Duration>>,
    pub(super) limit: Limits,
    /// What callers may do, and where that stands.
    pub(super) idempotency: Option<(Idempotency, proc_macro2::Span)>,
}

/// `limit(..)`.
#[derive(Default)]
pub(super) struct Limits {
    /// The bytes of a body, and where that stands.
    pub(super) body: Option<(Setting<u64>, proc_macro2::Span)>,
}

const NOT_YET: &str = "not available yet; leave it out";
const NO_RETRY: &str = "a request is answered once; whoever sent it decides whether to send it again";
const IN_LIMIT: &str = "it belongs into `limit(..)`: `limit(body = \"64KiB\")`";
const ON_ARGUMENT: &str = "it belongs on an argument of the method";

const STATUS: Opt<Options> = Opt { name: "status", set: |o, name, input| put(&mut o.status, assigned(name, input, status)) };
const TIMEOUT: Opt<Options> = Opt { name: "timeout", set: |o, name, input| put(&mut o.timeout, assigned(name, input, duration)) };
const LIMIT: Opt<Options> = Opt {
    name: "limit",
    set: |o, name, input| parenthesized(name, input).and_then(|()| within(input, |inner| nested(&LIMITS, inner, &mut o.limit))),
};

const IDEMPOTENT: Opt<Options> = Opt { name: "idempotent", set: |o, name, input| idempotency(o, Idempotency::Idempotent, name, input) };
const IDEMPOTENCY_KEY: Opt<Options> = Opt { name: "idempotency_key", set: |o, name, input| idempotency(o, Idempotency::Key, name, input) };

fn idempotency(options: &mut Options, idempotency: Idempotency, name: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
    bare(name, input)?;
    if options.idempotency.is_some() {
        let message = "`idempotent` or `idempotency_key`: a call that may be repeated as it is needs no key";
        return Err(syn::Error::new(name.span(), message));
    }
    options.idempotency = Some((idempotency, name.span()));
    Ok(())
}

const FOR_CALLERS: &str = "it tells callers what they may do: it belongs on the method of a contract, #[service] on a trait";

const ELSEWHERE: [(&str, &str); 25] = [
    ("path", "the path comes first, without a name: `\"/orders/{id}\"`"),
    ("body", IN_LIMIT),
    ("body_limit", IN_LIMIT),
    ("header", ON_ARGUMENT),
    ("query", ON_ARGUMENT),
    ("extract", ON_ARGUMENT),
    ("crate", "a method follows the impl or trait that it is in"),
    ("service", "a method follows the impl or trait that it is in"),
    ("name", "a route is named after its method"),
    ("version", "it belongs on the struct of the service; the version of an interface stands in the path"),
    ("publishes", "a field of type `Publisher<Event>` in the service says it"),
    ("group", "only events are handled in groups"),
    ("retry", NO_RETRY),
    ("max", NO_RETRY),
    ("backoff", NO_RETRY),
    ("concurrency", NOT_YET),
    ("rate", NOT_YET),
    ("authorize", NOT_YET),
    ("public", NOT_YET),
    ("idempotent", FOR_CALLERS),
    ("idempotency_key", FOR_CALLERS),
    ("circuit_breaker", "it belongs to clients, and is not available yet"),
    ("balance", "it belongs to clients, and is not available yet"),
    ("tags", "they stand in #[service(..)] on the service's struct"),
    ("doc", "the doc comment of the method says it"),
];

const LIMITS: Table<Limits> = Table {
    attribute: "`limit(..)` of a route",
    options: &[Opt { name: "body", set: |o, name, input| put(&mut o.body, assigned(name, input, size).map(|size| (size, name.span()))) }],
    repeats: &[],
    elsewhere: &[
        ("timeout", "it stands beside `limit(..)`"),
        ("header", "it is one for all routes: `http.header_limit` in comms.toml"),
        ("rate", NOT_YET),
        ("concurrency", NOT_YET),
    ],
};

fn table(side: Side, verb: Verb) -> Table<Options> {
    let options: &'static [Opt<Options>] = match side {
        Side::Service => &[STATUS, TIMEOUT, LIMIT],
        Side::Contract => &[STATUS, TIMEOUT, LIMIT, IDEMPOTENT, IDEMPOTENCY_KEY],
    };
    Table { attribute: verb.attribute(), options, repeats: &[], elsewhere: &ELSEWHERE }
}

/// Reads what stands in the parentheses: the path, then the options.
pub(super) fn read(
    errors: &mut Collector,
    side: Side,
    verb: Verb,
    attr: &syn::Attribute,
    tokens: TokenStream,
) -> (Option<Template>, Options) {
    let missing = || format!("{0} needs the path first, as a literal text: `#[{1}(\"/orders/{{id}}\")]`", verb.attribute(), verb.name());
    let parser = |input: ParseStream<'_>| Ok((first(input, &missing), input.parse::<TokenStream>()?));
    let (first, rest) = parser.parse2(tokens).unwrap_or((First::Missing, TokenStream::new()));
    let mut options = Options::default();
    table(side, verb).parse(errors, rest, &mut options);
    let path = match first {
        First::Read(path) => Some(path),
        First::Wrong(error) => {
            errors.push(error);
            None
        }
        First::Missing => {
            errors.at(attr, missing());
            None
        }
        First::Named => None,
    };
    (path, options)
}

/// What came first.
enum First {
    Read(Template),
    /// Something that is no path.
    Wrong(syn::Error),
    /// An option, or nothing.
    Missing,
    /// `path = ".."`, which is refused among the options, with the way to write it.
    Named,
}

fn first(input: ParseStream<'_>, missing: &dyn Fn() -> String) -> First {
    match option(input) {
        Some(name) if name == "path" => return First::Named,
        None if !input.is_empty() => {}
        _ => return First::Missing,
    }
    let read = if input.peek(LitStr) {
        text(input).and_then(|text| Template::parse(text.value, text.span)).and_then(|path| separated(input).map(|()| path))
    } else {
        Err(input.error(missing()))
    };
    if read.is_err() {
        skip_to_comma(input);
    }
    let _: Option<Token![,]> = input.parse().unwrap_or_default();
    read.map_or_else(First::Wrong, First::Read)
}

fn separated(input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) { Ok(()) } else { Err(input.error("expected `,` before the first option")) }
}

/// The name of the option that comes next, if one does.
fn option(input: ParseStream<'_>) -> Option<Ident> {
    let ahead = input.fork();
    let name = ahead.call(Ident::parse_any).ok()?;
    (ahead.peek(Token![=]) || ahead.peek(token::Paren)).then_some(name)
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _: syn::Result<proc_macro2::TokenTree> = input.parse();
    }
}
