//! The options of `#[event]`, and those of `#[command]` and `#[query]`.

use syn::{Member, Path, Type};

use super::model::{Codec, Kind};
use crate::options::{Opt, Table, assigned};
use crate::value::{checked_text, choice, flag, number};
use crate::{Number, RequestKind, Text, names};

/// The options as they were written.
#[derive(Default)]
pub(super) struct Options {
    pub(super) krate: Option<Path>,
    pub(super) name: Option<Text>,
    pub(super) version: Option<Number>,
    pub(super) topic: Option<Text>,
    pub(super) key: Option<Member>,
    pub(super) broker: Option<Text>,
    pub(super) codec: Option<Codec>,
    pub(super) schema: Option<bool>,
    pub(super) owner: Option<Text>,
    pub(super) reply: Option<Type>,
    pub(super) error: Option<Type>,
}

const CODECS: [(&str, Codec); 2] = [("json", Codec::Json), ("protobuf", Codec::Protobuf)];

macro_rules! opts {
    ($($name:literal => $field:ident: $value:expr,)*) => {
        [$(Opt { name: $name, set: |options: &mut Options, name, input| { options.$field = Some(assigned(name, input, $value)?); Ok(()) } },)*]
    };
}

const EVENT: [Opt<Options>; 8] = opts! {
    "name" => name: |input| checked_text(input, names::wire_name),
    "version" => version: number,
    "topic" => topic: |input| checked_text(input, names::topic),
    "key" => key: |input| input.parse(),
    "broker" => broker: |input| checked_text(input, names::name),
    "codec" => codec: |input| choice(input, "codec", &CODECS),
    "schema" => schema: flag,
    "crate" => krate: |input| input.call(Path::parse_mod_style),
};

const REQUEST: [Opt<Options>; 11] = opts! {
    "name" => name: |input| checked_text(input, names::wire_name),
    "version" => version: number,
    "owner" => owner: |input| checked_text(input, names::name),
    "reply" => reply: |input| input.parse(),
    "error" => error: |input| input.parse(),
    "topic" => topic: |input| checked_text(input, names::topic),
    "key" => key: |input| input.parse(),
    "broker" => broker: |input| checked_text(input, names::name),
    "codec" => codec: |input| choice(input, "codec", &CODECS),
    "schema" => schema: flag,
    "crate" => krate: |input| input.call(Path::parse_mod_style),
};

const ON_REQUESTS: &str = "an event has no one owner and no reply; it belongs on a #[command] or #[query] struct";
const ON_HANDLERS: &str =
    "it is said where the message is handled, on the handler: #[event_handler(..)], #[command(..)] or #[query(..)] on a function";
const IN_SUBSCRIBE: &str = "it belongs to a subscription: #[service(.., subscribe(\"topic\", ..))] on the service's struct";
const ON_EVENT_HANDLERS: &str = "it is said on the handler of an event: #[event_handler(..)]";

const EVENT_ELSEWHERE: [(&str, &str); 13] = [
    ("owner", ON_REQUESTS),
    ("reply", ON_REQUESTS),
    ("error", ON_REQUESTS),
    ("retry", ON_HANDLERS),
    ("timeout", ON_HANDLERS),
    ("publishes", ON_HANDLERS),
    ("group", IN_SUBSCRIBE),
    ("ordered", IN_SUBSCRIBE),
    ("concurrency", IN_SUBSCRIBE),
    ("dedup", IN_SUBSCRIBE),
    ("throttle", IN_SUBSCRIBE),
    ("from", IN_SUBSCRIBE),
    ("upcast", UPCAST),
];

const REQUEST_ELSEWHERE: [(&str, &str); 10] = [
    ("retry", "whoever sends a request decides whether it is sent again"),
    ("timeout", "it is said on the handler: #[command(timeout = ..)] or #[query(timeout = ..)] on a function"),
    ("publishes", "it is said on the handler: #[command(publishes(..))] or #[query(publishes(..))] on a function"),
    ("group", ON_EVENT_HANDLERS),
    ("ordered", IN_SUBSCRIBE),
    ("concurrency", IN_SUBSCRIBE),
    ("dedup", IN_SUBSCRIBE),
    ("throttle", IN_SUBSCRIBE),
    ("from", IN_SUBSCRIBE),
    ("upcast", UPCAST),
];

const UPCAST: &str = "upcasts are not available yet; until they are, give the changed shape a name of its own and handle both";

pub(super) fn table(kind: Kind) -> Table<Options> {
    match kind {
        Kind::Event => Table { attribute: "#[event]", options: &EVENT, repeats: &[], elsewhere: &EVENT_ELSEWHERE },
        Kind::Request(RequestKind::Command) => {
            Table { attribute: "#[command]", options: &REQUEST, repeats: &[], elsewhere: &REQUEST_ELSEWHERE }
        }
        Kind::Request(RequestKind::Query) => {
            Table { attribute: "#[query]", options: &REQUEST, repeats: &[], elsewhere: &REQUEST_ELSEWHERE }
        }
    }
}
