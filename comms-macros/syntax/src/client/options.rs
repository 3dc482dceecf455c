//! The options of `#[client]` on a struct.

use std::time::Duration;

use syn::parse::ParseStream;
use syn::{Path, Token};

use super::model::Calls;
use crate::options::{Opt, Table, assigned, put};
use crate::value::{checked_text, duration};
use crate::{Setting, Text, names};

/// The options as they were written.
#[derive(Default)]
pub(super) struct Options {
    pub(super) krate: Option<Path>,
    /// In the order in which they were written.
    pub(super) calls: Vec<Calls>,
    pub(super) name: Option<Text>,
    pub(super) timeout: Option<Setting<Duration>>,
}

const ON_METHOD: &str = "it belongs on a method of the contract: `#[post(\"/..\", idempotent)]`";
const NOT_YET: &str = "not available yet; leave it out";
const NO_RETRY: &str =
    "not available yet; leave it out: a call is made once, and the `class()` of its error says whether another attempt makes sense";

pub(super) const TABLE: Table<Options> = Table {
    attribute: "#[client]",
    options: &[
        Opt { name: "http", set: |o, name, input| assigned(name, input, path).map(|path| o.calls.push(Calls::Http(path))) },
        Opt { name: "grpc", set: |o, name, input| assigned(name, input, path).map(|path| o.calls.push(Calls::Grpc(path))) },
        Opt { name: "name", set: |o, name, input| put(&mut o.name, assigned(name, input, |i| checked_text(i, names::name))) },
        Opt { name: "timeout", set: |o, name, input| put(&mut o.timeout, assigned(name, input, duration)) },
        Opt { name: "crate", set: |o, name, input| put(&mut o.krate, assigned(name, input, |i| i.call(Path::parse_mod_style))) },
    ],
    repeats: &[],
    elsewhere: &[
        (
            "url",
            "a foreign API is a trait: `#[client(url = \"https://..\")] pub trait Name { .. }`; where a service of yours is, comms.toml says: `clients.NAME.addresses`",
        ),
        ("address", "comms.toml says it: `clients.NAME.addresses`"),
        ("addresses", "comms.toml says it: `clients.NAME.addresses`"),
        ("version", "it belongs to the contract or the proto package"),
        ("idempotent", ON_METHOD),
        ("idempotency_key", ON_METHOD),
        ("retry", NO_RETRY),
        ("circuit_breaker", NOT_YET),
        ("balance", "not available yet; leave it out: the addresses of `clients.NAME.addresses` are tried in turn"),
        ("limit", NOT_YET),
        ("authorize", "it belongs to what is called, and is not available yet"),
        ("public", "it belongs to what is called, and is not available yet"),
    ],
};

fn path(input: ParseStream<'_>) -> syn::Result<Path> {
    let expected = "expected the path of the trait, such as `http = contracts::Payments` or `grpc = proto::inventory::v1::Inventory`";
    let path = input.call(Path::parse_mod_style).map_err(|_| input.error(expected))?;
    if input.peek(Token![<]) {
        return Err(input.error("the trait has no parameters: write its path alone"));
    }
    Ok(path)
}
