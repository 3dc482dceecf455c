//! What the proxy is to do at the moment.

use std::time::Duration;

/// The faults in force. Each connection watches them.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    pub(super) mode: Mode,
    pub(super) delay: Duration,
    pub(super) bytes_per_second: Option<u64>,
    /// Goes up with each change that someone waits for.
    pub(super) revision: u64,
    /// Connections that were accepted at an earlier revision are to be reset.
    reset_before: u64,
    /// Connections that lost bytes at an earlier revision are to be reset.
    healed_at: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Pass,
    Cut,
    HalfOpen,
}

impl Faults {
    pub(super) fn cut(&mut self) {
        self.mode = Mode::Cut;
        self.reset_before = self.revision;
    }

    pub(super) fn drop_connections(&mut self) {
        self.reset_before = self.revision;
    }

    pub(super) fn half_open(&mut self) {
        self.mode = Mode::HalfOpen;
    }

    pub(super) fn heal(&mut self) {
        *self = Self { revision: self.revision, reset_before: self.reset_before, healed_at: self.revision, ..Self::default() };
    }

    pub(super) fn swallow(&self) -> bool {
        self.mode == Mode::HalfOpen
    }
}

/// What decides whether a connection may go on.
#[derive(Debug)]
pub(super) struct Life {
    /// The revision at which it was accepted.
    pub(super) born: u64,
    /// The revision at which it lost bytes, if it did.
    pub(super) lost_at: Option<u64>,
}

impl Life {
    pub(super) fn is_over(&self, faults: &Faults) -> bool {
        self.born < faults.reset_before || self.lost_at.is_some_and(|lost| lost < faults.healed_at)
    }
}
