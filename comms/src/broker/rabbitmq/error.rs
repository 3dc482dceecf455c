//! What the server's and lapin's errors mean.

use std::io;

use lapin::ErrorKind;

use crate::broker::{BrokerError, BrokerErrorKind};

/// The reply code for what the user may not do.
const ACCESS_REFUSED: u16 = 403;

/// The error of `attempted` (`declare the queue `x``) that lapin reported.
pub(super) fn broker_error(attempted: &str, error: &lapin::Error) -> BrokerError {
    let kind = kind_of(error);
    let advice = advice(error).map(|advice| format!("; {advice}")).unwrap_or_default();
    BrokerError::new(kind, format!("could not {attempted}: {error}{advice}")).with_source(error.clone())
}

/// The same; `needs` says which permissions the user needs for it, where that is what is missing.
pub(super) fn forbidden(attempted: &str, error: &lapin::Error, needs: &str) -> BrokerError {
    let plain = broker_error(attempted, error);
    if code_of(error) != Some(ACCESS_REFUSED) {
        return plain;
    }
    let message = format!(
        "could not {attempted}: {error}; the user needs {needs}: rabbitmqctl set_permissions -p VHOST USER CONFIGURE WRITE READ, each a regular expression of names"
    );
    BrokerError::new(plain.kind(), message).with_source(error.clone())
}

/// What kind of failure it is.
pub(super) fn kind_of(error: &lapin::Error) -> BrokerErrorKind {
    match error.kind() {
        ErrorKind::ProtocolError(protocol) => match protocol.get_id() {
            403 | 530 => BrokerErrorKind::Authentication,
            404 | 405 | 406 | 540 => BrokerErrorKind::Topology,
            _ => BrokerErrorKind::Connection,
        },
        ErrorKind::AuthProviderError(_) => BrokerErrorKind::Authentication,
        ErrorKind::IOError(error) if error.kind() == io::ErrorKind::InvalidData => BrokerErrorKind::Authentication,
        _ => BrokerErrorKind::Connection,
    }
}

/// The AMQP reply code, when the server gave one.
pub(super) fn code_of(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(protocol) => Some(protocol.get_id()),
        _ => None,
    }
}

fn advice(error: &lapin::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::IOError(error) if error.kind() == io::ErrorKind::InvalidData => Some(
            "the server's certificate was not accepted: give its authority with the option `ca`, and connect by a name that the certificate has",
        ),
        ErrorKind::ProtocolError(protocol) => match protocol.get_id() {
            403 => Some("check the user, the password and the user's permissions (rabbitmqctl list_permissions)"),
            405 => Some("another connection uses it exclusively"),
            530 => Some("check that the vhost exists (rabbitmqctl list_vhosts) and that the user may use it"),
            _ => None,
        },
        _ => None,
    }
}

/// Whether waiting and reconnecting can't mend it.
pub(super) fn is_fatal(kind: BrokerErrorKind) -> bool {
    !matches!(kind, BrokerErrorKind::Connection | BrokerErrorKind::Unknown | BrokerErrorKind::Refused)
}

/// The same failure for another waiter; the source stays with the first.
pub(super) fn again(error: &BrokerError) -> BrokerError {
    BrokerError::new(error.kind(), error.to_string())
}
