//! The options of `#[service]` and `#[client]` on a trait.

use std::time::Duration;

use syn::Path;

use crate::client::address;
use crate::options::{Opt, Table, assigned, put};
use crate::value::{checked_text, duration};
use crate::{Setting, Text, names};

/// The options of a contract, as they were written.
#[derive(Default)]
pub(super) struct Options {
    pub(super) krate: Option<Path>,
    pub(super) name: Option<Text>,
    pub(super) version: Option<Text>,
}

/// The options of a foreign API, as they were written.
#[derive(Default)]
pub(super) struct ForeignOptions {
    pub(super) krate: Option<Path>,
    pub(super) url: Option<Text>,
    pub(super) name: Option<Text>,
    pub(super) timeout: Option<Setting<Duration>>,
}

const ON_STRUCT: &str = "it belongs to the service that implements the contract: #[service(..)] on its struct";
const ON_METHOD: &str = "it belongs on a method of the trait: `#[get(\"/..\", timeout = \"5s\")]`";
const NOT_YET: &str = "not available yet; leave it out";
const NO_RETRY: &str =
    "not available yet; leave it out: a call is made once, and the `class()` of its error says whether another attempt makes sense";
const NO_ACCESS: &str = "not available yet; until it is, check the caller in the methods of the service";
const OF_CONTRACT: &str = "a contract of another service is called by a unit struct: `#[client(http = path::Contract)] pub struct Name;`";

pub(super) const TABLE: Table<Options> = Table {
    attribute: "#[service] on a trait",
    options: &[
        Opt { name: "name", set: |o, name, input| put(&mut o.name, assigned(name, input, |i| checked_text(i, names::name))) },
        Opt {
            name: "version",
            set: |o, name, input| put(&mut o.version, assigned(name, input, |i| checked_text(i, names::service_version))),
        },
        Opt { name: "crate", set: |o, name, input| put(&mut o.krate, assigned(name, input, |i| i.call(Path::parse_mod_style))) },
    ],
    repeats: &[],
    elsewhere: &[
        ("tags", ON_STRUCT),
        ("subscribe", ON_STRUCT),
        ("layers", ON_STRUCT),
        ("timeout", ON_METHOD),
        ("limit", ON_METHOD),
        ("idempotent", ON_METHOD),
        ("idempotency_key", ON_METHOD),
        ("status", ON_METHOD),
        ("url", "a foreign API, which no service of yours implements, is `#[client(url = \"..\")]` on a trait"),
        ("path", "every method has its whole path, without a prefix of the trait"),
        ("retry", NO_RETRY),
        ("circuit_breaker", NOT_YET),
        ("balance", NOT_YET),
        ("authorize", NO_ACCESS),
        ("public", NO_ACCESS),
    ],
};

pub(super) const FOREIGN: Table<ForeignOptions> = Table {
    attribute: "#[client] on a trait",
    options: &[
        Opt { name: "url", set: |o, name, input| put(&mut o.url, assigned(name, input, |i| checked_text(i, address))) },
        Opt { name: "name", set: |o, name, input| put(&mut o.name, assigned(name, input, |i| checked_text(i, names::name))) },
        Opt { name: "timeout", set: |o, name, input| put(&mut o.timeout, assigned(name, input, duration)) },
        Opt { name: "crate", set: |o, name, input| put(&mut o.krate, assigned(name, input, |i| i.call(Path::parse_mod_style))) },
    ],
    repeats: &[],
    elsewhere: &[
        ("http", OF_CONTRACT),
        ("grpc", "a gRPC service is called by a unit struct: `#[client(grpc = path::Service)] pub struct Name;`"),
        ("version", "the version of a foreign API stands in its url or in the paths of its methods"),
        ("limit", ON_METHOD),
        ("idempotent", ON_METHOD),
        ("idempotency_key", ON_METHOD),
        ("status", ON_METHOD),
        ("retry", NO_RETRY),
        ("circuit_breaker", NOT_YET),
        ("balance", NOT_YET),
        ("authorize", "a client is not asked for; what it shows the API goes into `#[header(\"authorization\")]` of its methods"),
        ("public", "it belongs to the routes of services"),
    ],
};
