//! What goes along with a call beside its messages.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use tonic::metadata::{Ascii, AsciiMetadataKey, Binary, BinaryMetadataKey, MetadataMap, MetadataValue};

thread_local! {
    /// Of the call that is worked on now, for the time of each poll.
    static CURRENT: RefCell<Option<Metadata>> = const { RefCell::new(None) };
}

/// The metadata of the call that is being answered: what its caller sent along, and what goes along with the answer.
///
/// ```
/// # use comms::grpc::{GrpcError, Metadata};
/// async fn reserve() -> Result<(), GrpcError> {
///     let call = Metadata::current();
///     let tenant = call.get("x-tenant").unwrap_or("nobody");
///     call.answer("x-cost", &format!("3 for {tenant}"))?;
///     Ok(())
/// }
/// ```
///
/// It belongs to the work on the call: a task that was spawned apart sees an empty one. What a method that answers with a stream
/// wants to send along it says before it returns the stream.
#[derive(Clone, Default)]
pub struct Metadata(Arc<Exchange>);

#[derive(Default)]
struct Exchange {
    request: OnceLock<MetadataMap>,
    answer: Mutex<MetadataMap>,
}

/// A name or a value that can't be metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` with this value can't be metadata: a name has small letters, digits, `-`, `_` and `.`, ends with `-bin` if its value is bytes and only then, and does not begin with `grpc-`; text is ASCII that can be printed"
)]
pub struct InvalidMetadata {
    name: String,
}

impl Metadata {
    /// That of the call at hand; an empty one outside of any.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten().unwrap_or_default()
    }

    /// The text that the caller sent under the name, the first of several.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.request.get()?.get(name)?.to_str().ok()
    }

    /// The bytes that the caller sent under the name, which ends with `-bin`.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Bytes> {
        self.0.request.get()?.get_bin(name)?.to_bytes().ok()
    }

    /// Everything that the caller sent, as tonic has it.
    #[must_use]
    pub fn all(&self) -> Option<&MetadataMap> {
        self.0.request.get()
    }

    /// Sends a text along with the answer, or with the error; a further value where there is one of the name.
    ///
    /// # Errors
    /// [`InvalidMetadata`].
    pub fn answer(&self, name: &str, value: &str) -> Result<(), InvalidMetadata> {
        let (key, value) = text(name, value)?;
        self.answering(|answer| answer.append(key, value));
        Ok(())
    }

    /// Sends bytes along with the answer, or with the error, under a name that ends with `-bin`.
    ///
    /// # Errors
    /// [`InvalidMetadata`].
    pub fn answer_bytes(&self, name: &str, value: &[u8]) -> Result<(), InvalidMetadata> {
        let (key, value) = binary(name, value)?;
        self.answering(|answer| answer.append_bin(key, value));
        Ok(())
    }

    pub(super) fn arrived(&self, request: MetadataMap) {
        let _ = self.0.request.set(request);
    }

    /// What is to go along with the answer so far; later it is empty.
    pub(super) fn take_answer(&self) -> MetadataMap {
        self.answering(mem::take)
    }

    fn answering<R>(&self, work: impl FnOnce(&mut MetadataMap) -> R) -> R {
        work(&mut self.0.answer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The metadata of a call in the hands of what works on it. While a step runs, it is in the place of the current one.
#[derive(Clone, Debug)]
pub(super) struct AtHand(Option<Metadata>);

impl AtHand {
    /// Nothing has arrived yet.
    pub(super) fn new() -> Self {
        Self(Some(Metadata::default()))
    }

    /// The metadata itself.
    pub(super) fn metadata(&self) -> Metadata {
        self.0.clone().unwrap_or_default()
    }

    /// Runs the step of the work on the call.
    pub(super) fn enter<R>(&mut self, step: impl FnOnce() -> R) -> R {
        /// Changes the two back, also when the step panics.
        struct Entered<'a>(&'a mut Option<Metadata>);

        impl Entered<'_> {
            fn swap(&mut self) {
                let _ = CURRENT.try_with(|current| mem::swap(&mut *current.borrow_mut(), self.0));
            }
        }

        impl Drop for Entered<'_> {
            fn drop(&mut self) {
                self.swap();
            }
        }

        let mut entered = Entered(&mut self.0);
        entered.swap();
        step()
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        let names = self.0.request.get().into_iter().flat_map(|map| map.as_ref().keys().map(ToString::to_string));
        f.debug_set().entries(names).finish()
    }
}

/// A name with a text.
pub(super) fn text(name: &str, value: &str) -> Result<(AsciiMetadataKey, MetadataValue<Ascii>), InvalidMetadata> {
    let invalid = || InvalidMetadata { name: name.to_owned() };
    let key = AsciiMetadataKey::from_bytes(name.as_bytes()).ok().filter(|_| !name.starts_with("grpc-"));
    Ok((key.ok_or_else(invalid)?, value.parse().map_err(|_| invalid())?))
}

/// A name with bytes.
pub(super) fn binary(name: &str, value: &[u8]) -> Result<(BinaryMetadataKey, MetadataValue<Binary>), InvalidMetadata> {
    let invalid = || InvalidMetadata { name: name.to_owned() };
    let key = BinaryMetadataKey::from_bytes(name.as_bytes()).ok().filter(|_| !name.starts_with("grpc-"));
    Ok((key.ok_or_else(invalid)?, MetadataValue::from_bytes(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_a_call_there_is_none() {
        let metadata = Metadata::current();
        assert_eq!((metadata.get("x-tenant"), metadata.bytes("x-key-bin"), metadata.all().is_none()), (None, None, true));
    }

    #[test]
    fn what_can_not_be_metadata_is_refused_by_name() {
        let metadata = Metadata::default();
        for (name, value) in [("x tenant", "a"), ("x-key-bin", "a"), ("grpc-status", "0"), ("x-tenant", "a\nb"), ("", "a")] {
            let error = metadata.answer(name, value).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{name}`")), "{error}");
        }
        assert!(metadata.answer_bytes("x-key", b"a").is_err());
        metadata.answer("x-tenant", "a").unwrap();
        metadata.answer_bytes("x-key-bin", &[0, 255]).unwrap();
        assert_eq!(metadata.take_answer().len(), 2);
        assert!(metadata.take_answer().is_empty());
    }
}
