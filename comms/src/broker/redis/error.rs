//! What the server's and redis-rs's errors mean.

use std::io;

use redis::{ErrorKind, RedisError};

use crate::broker::{BrokerError, BrokerErrorKind};

/// The error of `attempted` (`publish to `orders``) that redis-rs reported.
pub(super) fn broker_error(attempted: &str, error: &RedisError) -> BrokerError {
    let kind = kind_of(error);
    let advice = advice(error, kind).map(|advice| format!("; {advice}")).unwrap_or_default();
    BrokerError::new(kind, format!("could not {attempted}: {error}{advice}")).with_source(error.clone())
}

/// What kind of failure it is. What passes by itself counts as a matter of the connection: it is waited out.
pub(super) fn kind_of(error: &RedisError) -> BrokerErrorKind {
    if is_forbidden(error) {
        return BrokerErrorKind::Authentication;
    }
    match (error.kind(), error.code().unwrap_or_default()) {
        (ErrorKind::InvalidClientConfig, _) => BrokerErrorKind::Config,
        (_, "MOVED" | "ASK" | "CROSSSLOT") => BrokerErrorKind::Config,
        (_, "WRONGTYPE") => BrokerErrorKind::Topology,
        (ErrorKind::Io, _) => BrokerErrorKind::Connection,
        (_, "LOADING" | "MASTERDOWN" | "READONLY" | "TRYAGAIN" | "CLUSTERDOWN" | "BUSY" | "OOM" | "MISCONF" | "NOREPLICAS" | "NOGROUP") => {
            BrokerErrorKind::Connection
        }
        _ if passes(error) => BrokerErrorKind::Connection,
        _ => BrokerErrorKind::Refused,
    }
}

/// In a cluster: that the node is not the one to be asked, or not now, and by what word it says so.
pub(super) fn redirection(error: &RedisError) -> Option<&str> {
    error.code().filter(|code| ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"].contains(code))
}

/// What a script ran into is told in its text.
fn passes(error: &RedisError) -> bool {
    let text = error.to_string();
    // A slot of a cluster goes to another node, or the cluster is incomplete.
    let away = ["access a non local key", "while the cluster is down"];
    away.iter().any(|part| text.contains(part))
        || ["OOM command not allowed", "MISCONF", "NOGROUP", "-READONLY"].iter().any(|part| text.contains(part))
}

fn is_forbidden(error: &RedisError) -> bool {
    let by_code = matches!(error.code().unwrap_or_default(), "NOAUTH" | "WRONGPASS" | "NOPERM");
    let by_kind = error.kind() == ErrorKind::AuthenticationFailed || (error.kind() == ErrorKind::Io && is_certificate(error));
    // From within a script it is an ordinary error whose text says so.
    by_code || by_kind || error.to_string().contains("ACL failure in script") || error.to_string().contains("can't run this command")
}

fn is_certificate(error: &RedisError) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        source = cause.source();
    }
    error.to_string().to_lowercase().contains("certificate")
}

fn advice(error: &RedisError, kind: BrokerErrorKind) -> Option<&'static str> {
    match error.code().unwrap_or_default() {
        "NOAUTH" => return Some("the server wants a password: write redis://user:password@host, or give `password` in the configuration"),
        "WRONGPASS" => return Some("check the user and the password"),
        "MOVED" | "ASK" | "CROSSSLOT" => return Some("this is a node of a Redis Cluster: write redis://host,host?cluster=true"),
        "OOM" => return Some("the server is at its `maxmemory`: see which group does not settle its messages"),
        "WRONGTYPE" => return Some("something else is kept under that key: choose another `prefix`"),
        _ => {}
    }
    match (kind, error.kind()) {
        (BrokerErrorKind::Authentication, ErrorKind::Io) => Some(
            "the certificate was not accepted: give the authority of the server's with the option `ca`, and connect by a name that it has; a server that asks for a client certificate wants `cert` and `key`",
        ),
        (BrokerErrorKind::Authentication, ErrorKind::AuthenticationFailed) => Some("check the user and the password"),
        (BrokerErrorKind::Authentication, _) => {
            Some("the user lacks a right: docs/brokers.md lists what to grant (ACL SETUSER name ~comms:* +@stream ..)")
        }
        _ => None,
    }
}

/// Whether waiting and reconnecting can't mend it.
pub(super) fn is_fatal(kind: BrokerErrorKind) -> bool {
    !matches!(kind, BrokerErrorKind::Connection | BrokerErrorKind::Unknown)
}

/// The same failure for another waiter; the source stays with the first.
pub(super) fn again(error: &BrokerError) -> BrokerError {
    BrokerError::new(error.kind(), error.to_string())
}
