//! The reply to a request, as a message: how it is addressed, what it says.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Failure, Fault};
use crate::message::codec::{self, json_decode, json_encode};
use crate::message::{CodecError, Envelope, Metadata, Request};

/// Extension of a request: the topic that the reply goes to.
pub(crate) const REPLY_TO: &str = "replyto";
/// Extension of a reply: the id of the request.
pub(crate) const IN_REPLY_TO: &str = "inreplyto";
/// Extension of a reply: which of the three it is.
const STATUS: &str = "replystatus";
const OK: &str = "ok";
const REFUSED: &str = "refused";
const FAILED: &str = "failed";

/// What a reply says.
pub(crate) enum Said<R: Request> {
    Ok(R::Reply),
    Refused(R::Error),
    Failed(Failure),
}

/// The reply that carries the handler's result; `None` if the request asks for none.
pub(crate) fn answer<R: Request>(
    request: &Envelope,
    source: &Arc<str>,
    result: &Result<R::Reply, R::Error>,
) -> Result<Option<Envelope>, CodecError> {
    let name = R::TYPE.name;
    match result {
        Ok(reply) => Ok(envelope(request, source, OK, encode(name, reply)?)),
        Err(error) => Ok(envelope(request, source, REFUSED, encode(name, error)?)),
    }
}

/// The reply that says that the handler failed; `None` if the request asks for none.
pub(crate) fn failure(request: &Envelope, source: &Arc<str>, fault: &Fault) -> Option<Envelope> {
    let failure = Failure { class: fault.class, message: crate::error::chain_text(fault.error.as_ref()).join(": ") };
    let payload = encode("failure", &failure).unwrap_or_default();
    envelope(request, source, FAILED, payload)
}

fn envelope(request: &Envelope, source: &Arc<str>, status: &str, payload: Bytes) -> Option<Envelope> {
    let topic = request.metadata.extensions.get(REPLY_TO)?;
    let mut metadata = Metadata::new(format!("{}.reply", request.metadata.name), Arc::clone(source));
    metadata.content_type = Some(codec::JSON.into());
    metadata.correlation = Some(request.metadata.correlation.as_ref().unwrap_or(&request.metadata.id).clone());
    metadata.causation = Some(request.metadata.id.clone());
    metadata.trace = request.metadata.trace;
    metadata.deadline = request.metadata.deadline;
    metadata.extensions.insert(IN_REPLY_TO.into(), request.metadata.id.to_string());
    metadata.extensions.insert(STATUS.into(), status.into());
    Some(Envelope::new(topic.as_str().into(), metadata, payload))
}

fn encode<T: Serialize>(message: &'static str, value: &T) -> Result<Bytes, CodecError> {
    json_encode(message, value)
}

/// Reads a reply.
pub(crate) fn read<R: Request>(reply: &Envelope) -> Result<Said<R>, CodecError> {
    match reply.metadata.extensions.get(STATUS).map(String::as_str) {
        Some(OK) => decode::<R, _>(reply).map(Said::Ok),
        Some(REFUSED) => decode::<R, _>(reply).map(Said::Refused),
        _ => decode::<R, _>(reply).map(Said::Failed),
    }
}

fn decode<R: Request, T: DeserializeOwned>(reply: &Envelope) -> Result<T, CodecError> {
    json_decode(R::TYPE.name, reply.metadata.content_type.as_deref(), &reply.payload)
}
