//! The same load over every fault: what was acknowledged and lost, what came twice, and how long it took to go on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use comms::Publisher;
use tokio::task::JoinSet;

use crate::parts::{Job, Script, Sorted};
use crate::record::Seen;
use crate::world::{Member, World};

/// Publishers, each with a key of its own whose order is looked at.
const KEYS: u32 = 20;
/// Messages of each.
const EACH: u32 = 100;
/// Where the rows go, one line of Markdown each, for the table of docs/brokers.md.
const TABLE: &str = "COMMS_FAULT_TABLE";

/// Two members of an ordered group that handle what twenty publishers send, each waiting for its confirmations.
#[derive(Debug)]
pub struct Load {
    first: Option<Member>,
    second: Member,
    handled: Handled,
    publishing: JoinSet<BTreeSet<String>>,
}

/// What was handled, and when.
#[derive(Clone, Debug, Default)]
struct Handled {
    seen: Seen,
    times: Arc<Mutex<Vec<Instant>>>,
}

impl Handled {
    fn script(&self) -> Script {
        let handled = self.clone();
        Script::now(move |job| {
            handled.times.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
            handled.seen.add(job.label());
            Ok(())
        })
    }
}

impl Load {
    /// Begins, and goes on until a quarter of it is handled. `settled` is awaited once everything is declared.
    pub async fn begin(world: &World, declared: impl Future<Output = ()>) -> Self {
        let handled = Handled::default();
        let first = world.run::<Sorted>(handled.script()).await;
        let second = world.run::<Sorted>(handled.script()).await;
        declared.await;
        let mut publishing = JoinSet::new();
        for key in 0..KEYS {
            publishing.spawn(publish(second.publisher(), format!("k{key}-")));
        }
        let quarter = usize::try_from(KEYS * EACH / 4).unwrap_or(usize::MAX);
        handled.seen.until_there_are(quarter).await;
        Self { first: Some(first), second, handled, publishing }
    }

    /// One member goes without a word.
    pub fn lose_a_member(&mut self) {
        drop(self.first.take());
    }

    /// One member leaves, and another one comes.
    pub async fn replace_a_member(&mut self, world: &World) {
        if let Some(first) = self.first.take() {
            first.stop().await;
        }
        self.first = Some(world.run::<Sorted>(self.handled.script()).await);
    }

    /// Waits for the rest after the fault, which began and ended then; checks that nothing acknowledged was lost and that each key kept
    /// its order, and writes the row.
    pub async fn end(mut self, broker: &str, fault: &str, began: Instant, ended: Instant) {
        let mut confirmed = BTreeSet::new();
        while let Some(of_key) = self.publishing.join_next().await {
            confirmed.extend(of_key.unwrap_or_else(|error| panic!("{error}")));
        }
        let all: Vec<String> = confirmed.iter().cloned().collect();
        self.handled.seen.until_all(&all).await;
        let entries = self.handled.seen.entries();
        assert_in_order(&entries);
        let times = self.handled.times.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let delivered = entries.iter().collect::<BTreeSet<_>>().len();
        let (outage, pause) = (ended - began, longest_pause(&times, ended));
        let mut row = String::new();
        let _ = write!(row, "| {broker} | {fault} | {} | {delivered} | {} | 0 |", confirmed.len(), entries.len() - delivered);
        let _ = write!(row, " {:.1} s | {:.1} s |", outage.as_secs_f64(), pause.as_secs_f64());
        write_row(&row);
        if let Some(first) = self.first.take() {
            first.stop().await;
        }
        self.second.stop().await;
    }
}

/// Those of the key that were confirmed, each published once the one before it was.
async fn publish(publisher: Publisher<Job>, key: String) -> BTreeSet<String> {
    let mut confirmed = BTreeSet::new();
    for number in 0..EACH {
        let job = Job::new(&key, number);
        publisher.publish(&job).await.unwrap_or_else(|error| panic!("{}: a fault is waited out: {error:?}", job.label()));
        confirmed.insert(job.label());
    }
    confirmed
}

/// What was not settled may come again; nothing overtakes.
fn assert_in_order(entries: &[String]) {
    let mut next: BTreeMap<&str, u32> = BTreeMap::new();
    for entry in entries {
        let (key, number) = entry.rsplit_once('-').unwrap_or_else(|| panic!("`{entry}` is none of the load"));
        let number: u32 = number.parse().unwrap_or_else(|error| panic!("{entry}: {error}"));
        let next = next.entry(key).or_default();
        assert!(number <= *next, "{entry} came before {key}-{next}");
        *next = (*next).max(number + 1);
    }
}

/// The longest time without a message once the fault was over.
fn longest_pause(times: &[Instant], ended: Instant) -> Duration {
    let pairs = times.windows(2).filter(|pair| pair[1] > ended);
    pairs.map(|pair| pair[1] - pair[0].max(ended)).max().unwrap_or_default()
}

fn write_row(row: &str) {
    let Ok(path) = std::env::var(TABLE) else { return };
    let written = OpenOptions::new().create(true).append(true).open(&path).and_then(|mut file| writeln!(file, "{row}"));
    written.unwrap_or_else(|error| panic!("{TABLE}: could not write to `{path}`: {error}"));
}
