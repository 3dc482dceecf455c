//! The window of message ids that a group has handled.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::fields::number;
use super::keys::GroupKeys;
use super::script::{MARK, MARKED};
use super::shared::Shared;
use crate::broker::{BrokerError, Handled};
use crate::message::Id;

/// How many ids a group keeps at most, about 10 MB on the server. The oldest go first.
const CAPACITY: usize = 100_000;

/// A sorted set: the ids by when they were handled, on the server's clock.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) shared: Arc<Shared>,
    pub(super) group: GroupKeys,
    pub(super) window: Duration,
}

impl Window {
    fn window(&self) -> u64 {
        u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Handled for Window {
    fn contains<'a>(&'a self, id: &'a Id) -> BoxFuture<'a, Result<bool, BrokerError>> {
        Box::pin(async move {
            let (attempted, id) = (format!("ask what `{}` has handled", self.group.name), id.to_string());
            let keys = [self.group.handled.as_str()];
            let asking = || {
                MARKED.run(&self.shared.link, &attempted, &keys, |command| {
                    command.arg(&id).arg(self.window());
                })
            };
            Ok(number(&self.shared.patiently(&attempted, asking).await?) == 1)
        })
    }

    fn mark<'a>(&'a self, id: &'a Id) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            let (attempted, id) = (format!("remember what `{}` has handled", self.group.name), id.to_string());
            let keys = [self.group.handled.as_str()];
            let marking = || {
                MARK.run(&self.shared.link, &attempted, &keys, |command| {
                    command.arg(&id).arg(self.window()).arg(CAPACITY);
                })
            };
            self.shared.patiently(&attempted, marking).await.map(drop)
        })
    }
}
