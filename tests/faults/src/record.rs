//! What happened so far, and waiting until it is enough.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comms::handler::{Happening, Observed, Observer};
use tokio::sync::watch;

use crate::PATIENCE;
use crate::parts::Job;

/// Entries in the order in which they came, for everybody to see.
#[derive(Clone, Default)]
pub struct Seen(Arc<Shared>);

#[derive(Default)]
struct Shared {
    entries: Mutex<Vec<String>>,
    count: watch::Sender<usize>,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().fmt(f)
    }
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry and returns how many there are now.
    pub fn add(&self, entry: impl Into<String>) -> usize {
        let mut entries = self.lock();
        entries.push(entry.into());
        let count = entries.len();
        drop(entries);
        self.0.count.send_replace(count);
        count
    }

    /// All of them.
    #[must_use]
    pub fn entries(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// Those that begin with the text.
    #[must_use]
    pub fn of(&self, start: &str) -> Vec<String> {
        self.lock().iter().filter(|entry| entry.starts_with(start)).cloned().collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nothing has happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often each came.
    #[must_use]
    pub fn tally(&self) -> BTreeMap<String, usize> {
        let mut tally = BTreeMap::new();
        for entry in self.entries() {
            *tally.entry(entry).or_default() += 1;
        }
        tally
    }

    /// Waits until the entries are as wanted. What is asked is asked after every entry, with the record locked: it has to be quick.
    pub async fn until(&self, what: &str, mut enough: impl FnMut(&[String]) -> bool) {
        let mut changes = self.0.count.subscribe();
        let waiting = changes.wait_for(|_| enough(&self.lock()));
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("never came: {what}. There was only:\n{}", shortened(&self.lock()));
        }
    }

    /// Waits until there are so many.
    pub async fn until_there_are(&self, count: usize) {
        self.until(&format!("{count} entries"), |entries| entries.len() >= count).await;
    }

    /// Waits until each of these came at least once.
    pub async fn until_all(&self, expected: &[String]) {
        let mut missing: HashSet<&str> = expected.iter().map(String::as_str).collect();
        // Each entry is looked at once: ten thousand that were searched for ten thousand would keep the handlers from the record.
        let mut looked_at = 0;
        self.until(&format!("all of {} entries", expected.len()), |entries| {
            for entry in &entries[looked_at..] {
                missing.remove(entry.as_str());
            }
            looked_at = entries.len();
            missing.is_empty()
        })
        .await;
    }
}

fn shortened(entries: &[String]) -> String {
    let skipped = entries.len().saturating_sub(200);
    let mut text = if skipped > 0 { format!("  ({skipped} earlier ones)\n") } else { String::new() };
    for entry in &entries[skipped..] {
        let _ = writeln!(text, "  {entry}");
    }
    text
}

/// Listens to an application. Its entries are lines like `on_job a1 retried 2`.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// What happened, a line each.
    pub lines: Seen,
}

impl Observer for Record {
    fn observe(&self, observed: Observed) {
        let what = match &observed.happening {
            Happening::Handled => "handled".to_owned(),
            Happening::Duplicate => "duplicate".to_owned(),
            Happening::Skipped => "skipped".to_owned(),
            Happening::Retried { attempt, .. } => format!("retried {attempt}"),
            Happening::DeadLettered { reason, .. } => format!("given up: {reason}"),
            other => format!("{other:?}"),
        };
        let label = Job::label_of(&observed.envelope.payload);
        self.lines.add(format!("{}.{} {label} {what}", observed.group, observed.handler));
    }
}
