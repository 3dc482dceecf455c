//! What a group has handled, remembered by the broker.

use std::fmt;

use futures_util::future::BoxFuture;

use super::BrokerError;
use crate::message::Id;

/// The window of message ids that a group has handled, kept by the broker and shared by the group's members.
pub trait Handled: fmt::Debug + Send + Sync + 'static {
    /// Whether a member handled the message within the window.
    fn contains<'a>(&'a self, id: &'a Id) -> BoxFuture<'a, Result<bool, BrokerError>>;

    /// Marks the message as handled: called after success only.
    fn mark<'a>(&'a self, id: &'a Id) -> BoxFuture<'a, Result<(), BrokerError>>;
}
