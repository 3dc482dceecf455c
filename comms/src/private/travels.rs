//! What can travel in the answers of a contract: its client reads it again.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::{Call, CallError};

/// What a method of a contract may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't travel in the answer of a contract",
    label = "the service writes this as JSON, and the client reads it again",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it; what only a service can answer belongs on a route of its own impl"
)]
pub trait Answer: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Answer for T {}

/// What a method of a contract may fail with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the error of a contract",
    label = "the client gets the same error as the service returns, so it travels as JSON",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, or write `comms::http::Problem`"
)]
pub trait Refusal: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<E: Serialize + DeserializeOwned> Refusal for E {}

/// Sends the call of a contract's client.
///
/// # Errors
/// As [`Call::send`].
pub async fn sent<T: Answer, E: Refusal>(call: Call<'_>) -> Result<T, CallError<E>> {
    call.send().await
}

/// Spanned at the value that a method of a contract returns.
pub const fn assert_answer<T: Answer>() {}

/// Spanned at the error that a method of a contract returns.
pub const fn assert_refusal<E: Refusal>() {}
