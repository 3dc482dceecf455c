//! What the proxy's handle, its listener and its connections know in common.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use super::faults::{Faults, Life};

/// The listener and the connections, as they are.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The revision of the faults that the listener has carried out.
    applied: u64,
    /// Why the listener could not listen again, if so.
    pub(super) failure: Option<String>,
    pub(super) accepted: u64,
    /// The open connections, by number.
    pub(super) open: BTreeMap<u64, Life>,
}

impl State {
    /// Whether the listener and all connections are as these faults want them.
    pub(super) fn agrees_with(&self, faults: &Faults) -> bool {
        self.applied >= faults.revision && !self.open.values().any(|life| life.is_over(faults))
    }
}

/// A number of bytes.
#[derive(Debug, Default)]
pub(super) struct Bytes(AtomicU64);

impl Bytes {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) state: watch::Sender<State>,
    pub(super) to_upstream: Bytes,
    pub(super) to_clients: Bytes,
    pub(super) swallowed: Bytes,
}

impl Shared {
    /// The listener has carried out the faults of this revision.
    pub(super) fn applied(&self, revision: u64, failure: Option<String>) {
        self.state.send_modify(|state| {
            state.applied = revision;
            state.failure = failure;
        });
    }

    /// Waits until the listener and all connections are as these faults want them.
    pub(super) async fn until_agreed(&self, faults: &Faults) {
        let mut state = self.state.subscribe();
        // Waiting fails only without a sender, and the sender lives in `self`.
        let _ = state.wait_for(|state| state.agrees_with(faults)).await;
    }
}

/// An open connection's entry in the list, removed when it is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    number: u64,
    pub(super) shared: Arc<Shared>,
}

impl Entry {
    pub(super) fn new(shared: &Arc<Shared>, born: u64) -> Self {
        let mut number = 0;
        shared.state.send_modify(|state| {
            state.accepted += 1;
            number = state.accepted;
            let lost_at = None;
            state.open.insert(number, Life { born, lost_at });
        });
        Self { number, shared: Arc::clone(shared) }
    }

    /// Notes that bytes (or a close) were lost. The caller holds the faults borrowed meanwhile, so
    /// that a change of them comes either before or after.
    pub(super) fn lose(&self, bytes: usize, faults: &Faults) {
        self.shared.swallowed.add(bytes);
        self.shared.state.send_if_modified(|state| {
            if let Some(life) = state.open.get_mut(&self.number) {
                life.lost_at.get_or_insert(faults.revision);
            }
            false
        });
    }

    /// Returns when the connection is to be reset.
    pub(super) async fn is_over(&self, mut faults: watch::Receiver<Faults>) {
        let over = |faults: &Faults| {
            let state = self.shared.state.borrow();
            let life = state.open.get(&self.number);
            life.is_none_or(|life| life.is_over(faults))
        };
        // An error says that the proxy is gone: the connection's time is over too.
        let _ = faults.wait_for(over).await;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.shared.state.send_modify(|state| {
            state.open.remove(&self.number);
        });
    }
}
