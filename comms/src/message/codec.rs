//! How a message type becomes bytes and back.

use std::cell::Cell;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a payload could not be written or read. Never retryable: the bytes stay what they are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The value could not be written.
    #[error("could not encode `{message}` as {content_type}: {source}")]
    Encode {
        /// The wire name of the type.
        message: &'static str,
        /// The encoding that was tried.
        content_type: &'static str,
        /// What the encoder said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bytes are not a value of the type.
    #[error("could not decode {bytes} bytes of {content_type} as `{message}`: {source}")]
    Decode {
        /// The wire name of the type.
        message: &'static str,
        /// The encoding that was tried.
        content_type: &'static str,
        /// How long the payload is.
        bytes: usize,
        /// What the decoder said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The message says it is encoded in a way that the type is not declared for.
    #[error(
        "`{message}` is declared as {expected}, but the message says its content type is `{found}`: publish it as {expected}, or declare the codec of the type"
    )]
    ContentType {
        /// The wire name of the type.
        message: &'static str,
        /// The content type that the type reads.
        expected: &'static str,
        /// The content type that the message carried.
        found: String,
    },
}

/// The content type of [`json_encode`].
pub const JSON: &str = "application/json";

/// The content type of the Protobuf codec.
pub const PROTOBUF: &str = "application/protobuf";

/// Writes a value as JSON.
///
/// # Errors
/// [`CodecError::Encode`] when serde refuses the value, a map with keys that are no text for example.
pub fn json_encode<T: Serialize>(message: &'static str, value: &T) -> Result<Bytes, CodecError> {
    scratch(|buffer| serde_json::to_writer(buffer, value)).map_err(|error| CodecError::Encode {
        message,
        content_type: JSON,
        source: error.into(),
    })
}

/// Larger buffers are not kept for the next message.
const KEPT_SCRATCH: usize = 64 << 10;

/// What was written into a buffer that is reused, so that encoding makes one allocation, of the size that is needed.
fn scratch<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Bytes, E> {
    thread_local! {
        static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    // Taken out meanwhile: a value may encode another one while it is written.
    let mut buffer = BUFFER.take();
    buffer.clear();
    write(&mut buffer)?;
    if buffer.capacity() > KEPT_SCRATCH {
        return Ok(buffer.into());
    }
    let written = Bytes::copy_from_slice(&buffer);
    BUFFER.set(buffer);
    Ok(written)
}

/// Reads a value from JSON: `application/json`, any `+json` type, or no content type at all.
///
/// # Errors
/// [`CodecError::ContentType`] for another content type, [`CodecError::Decode`] for bytes that do not fit.
pub fn json_decode<T: DeserializeOwned>(message: &'static str, content_type: Option<&str>, payload: &[u8]) -> Result<T, CodecError> {
    if let Some(found) = content_type.filter(|found| !is_json(found)) {
        return Err(CodecError::ContentType { message, expected: JSON, found: found.to_owned() });
    }
    // Text that is known to be text is read without a check of each string; what is none gets serde_json's own error.
    let decoded = std::str::from_utf8(payload).map_or_else(|_| serde_json::from_slice(payload), serde_json::from_str);
    decoded.map_err(|error| CodecError::Decode { message, content_type: JSON, bytes: payload.len(), source: error.into() })
}

#[inline]
fn is_json(content_type: &str) -> bool {
    // Nearly every message says just this.
    if content_type == JSON {
        return true;
    }
    let essence = essence(content_type);
    essence.eq_ignore_ascii_case(JSON) || essence.to_ascii_lowercase().ends_with("+json")
}

/// A media type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Writes a prost message as Protobuf.
#[cfg(feature = "protobuf")]
pub fn protobuf_encode<T: prost::Message>(value: &T) -> Bytes {
    value.encode_to_vec().into()
}

/// Reads a prost message: `application/protobuf`, `application/x-protobuf`, or no content type at all.
///
/// # Errors
/// [`CodecError::ContentType`] for another content type, [`CodecError::Decode`] for bytes that do not fit.
#[cfg(feature = "protobuf")]
pub fn protobuf_decode<T: prost::Message + Default>(
    message: &'static str,
    content_type: Option<&str>,
    payload: &[u8],
) -> Result<T, CodecError> {
    let known = |found: &&str| ["application/protobuf", "application/x-protobuf"].contains(&essence(found));
    if let Some(found) = content_type.filter(|found| !known(found)) {
        return Err(CodecError::ContentType { message, expected: PROTOBUF, found: found.to_owned() });
    }
    T::decode(payload).map_err(|error| CodecError::Decode { message, content_type: PROTOBUF, bytes: payload.len(), source: error.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_from_every_json_media_type_and_from_none() {
        for content_type in [None, Some("application/json"), Some("application/json; charset=utf-8"), Some("application/vnd.shop+json")] {
            assert_eq!(json_decode::<u32>("n", content_type, b"7").unwrap(), 7);
        }
    }

    #[test]
    fn another_media_type_is_refused_by_name() {
        let error = json_decode::<u32>("n", Some("text/plain"), b"7").unwrap_err();
        assert!(error.to_string().contains("`text/plain`"), "{error}");
    }

    #[test]
    fn a_short_or_multibyte_content_type_is_no_panic() {
        for content_type in ["", "é", "+json", "aé+jso", "ééééé"] {
            let _ = json_decode::<u32>("n", Some(content_type), b"7");
        }
    }
}
