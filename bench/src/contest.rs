//! Interleaved rounds: what disturbs the machine meanwhile disturbs every contestant.

use std::borrow::Borrow;
use std::time::{Duration, Instant};

use crate::process::cpu;

/// Something that handles messages.
pub trait Contestant {
    /// Its name in the table.
    fn name(&self) -> String;

    /// Takes so many messages all the way: published, handled, settled.
    fn run(&mut self, messages: usize);
}

/// What one contestant did, one entry for each round.
#[derive(Debug)]
pub struct Figures {
    name: String,
    /// Messages per second.
    rates: Vec<f64>,
    /// Microseconds of processor time per message.
    cpu: Vec<f64>,
}

/// Runs every contestant once to warm up, then in turn for so many rounds.
pub fn rounds(contestants: &mut [Box<dyn Contestant>], rounds: usize, messages: usize) -> Vec<Figures> {
    let mut figures: Vec<Figures> = contestants.iter().map(|contestant| Figures::new(&contestant.name())).collect();
    contestants.iter_mut().for_each(|contestant| contestant.run(messages / 10));
    for _ in 0..rounds {
        for (contestant, figures) in contestants.iter_mut().zip(&mut figures) {
            let (began, before) = (Instant::now(), cpu());
            contestant.run(messages);
            figures.add(messages, began.elapsed(), cpu() - before);
        }
    }
    figures
}

impl Figures {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), rates: Vec::new(), cpu: Vec::new() }
    }

    /// Of whom they are.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[allow(clippy::cast_precision_loss, reason = "a count of messages")]
    pub(crate) fn add(&mut self, messages: usize, took: Duration, used: Duration) {
        self.rates.push(messages as f64 / took.as_secs_f64());
        self.cpu.push(used.as_secs_f64() * 1e6 / messages as f64);
    }
}

/// Prints the table; ratios are those of the medians, to the first contestant.
pub fn print(title: &str, figures: &[impl Borrow<Figures>]) {
    println!("\n### {title}\n");
    println!("| | best | median | worst | of the first | CPU per message | of the first |");
    println!("|---|---:|---:|---:|---|---:|---:|");
    let mut figures = figures.iter().map(Borrow::borrow).peekable();
    let Some(first) = figures.peek().copied() else { return };
    for one in figures {
        let [worst, median, best] = spread(&one.rates);
        let [_, cpu, _] = spread(&one.cpu);
        let [_, first_cpu, _] = spread(&first.cpu);
        println!(
            "| {} | {best:.0}/s | {median:.0}/s | {worst:.0}/s | {} | {cpu:.2} µs | {:.2} |",
            one.name,
            verdict(&first.rates, &one.rates),
            cpu / first_cpu
        );
    }
}

/// The ratio of the medians; rates whose ranges overlap can't be told apart.
fn verdict(first: &[f64], other: &[f64]) -> String {
    let ([low, median, high], [other_low, other_median, other_high]) = (spread(first), spread(other));
    let ratio = other_median / median;
    let apart = other_low > high || low > other_high;
    if apart || ratio == 1.0 { format!("{ratio:.2}") } else { format!("{ratio:.2}, indistinguishable") }
}

/// Lowest, median, highest.
fn spread(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    [
        sorted.first().copied().unwrap_or_default(),
        sorted.get(middle).copied().unwrap_or_default(),
        sorted.last().copied().unwrap_or_default(),
    ]
}
