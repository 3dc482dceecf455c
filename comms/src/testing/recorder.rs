//! Remembers what happened to messages, and tells it readably.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::handler::{Happening, Observed, Observer};

/// Everything that happened so far, in order.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Vec<Observed>>);

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, Vec<Observed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happened, as far as `select` wants it.
    pub(super) fn select(&self, select: impl Fn(&Observed) -> bool) -> Vec<Observed> {
        self.lock().iter().filter(|observed| select(observed)).cloned().collect()
    }

    /// The whole story, a line for each happening, for failed assertions.
    pub(super) fn story(&self) -> String {
        let observed = self.lock();
        if observed.is_empty() {
            return "  (no message reached a handler)".to_owned();
        }
        observed.iter().fold(String::new(), |mut story, observed| {
            let _ = writeln!(story, "  {}", line(observed));
            story
        })
    }
}

impl Observer for Recorder {
    fn observe(&self, observed: Observed) {
        self.lock().push(observed);
    }
}

fn line(observed: &Observed) -> String {
    let Observed { group, handler, envelope, happening } = observed;
    let what = match happening {
        Happening::Handled => "handled".to_owned(),
        Happening::Duplicate => "skipped as a duplicate".to_owned(),
        Happening::Skipped => "skipped: no handler for this type".to_owned(),
        Happening::Retried { attempt, delay, error } => format!("attempt {attempt} failed, again in {delay:?}: {error}"),
        Happening::DeadLettered { reason, error } => format!("dead-lettered ({reason}): {error}"),
    };
    format!("{group}.{handler} {} v{} {}: {what}", envelope.metadata.name, envelope.metadata.version, envelope.metadata.id)
}
