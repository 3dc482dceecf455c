//! Interleaved rounds of calls: what disturbs the machine meanwhile disturbs every contestant.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comms_bench::process::cpu;
use futures_util::future::BoxFuture;

/// Makes one call.
pub type Call = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Something that can be called.
#[derive(Clone)]
pub struct Contestant {
    /// Its name in the table.
    pub name: &'static str,
    /// Makes one call, whose answer is looked at.
    pub call: Call,
}

impl Contestant {
    /// A contestant.
    pub fn new<F: Future<Output = ()> + Send + 'static>(name: &'static str, call: impl Fn() -> F + Send + Sync + 'static) -> Self {
        Self { name, call: Arc::new(move || Box::pin(call())) }
    }
}

/// How far contestants go.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// Rounds after the one to warm up.
    pub rounds: usize,
    /// Calls in a round.
    pub calls: usize,
    /// At once.
    pub in_flight: usize,
    /// Messages in the answer of a call, which are what is counted; 1 where calls are.
    pub messages: usize,
}

/// What one contestant did.
struct Figures {
    name: &'static str,
    /// Per second, an entry for each round.
    rates: Vec<f64>,
    /// Microseconds of processor time for each, client and server, an entry for each round.
    cpu: Vec<f64>,
    /// Microseconds of the calls: the median of each round.
    p50: Vec<f64>,
    /// The same of what 99 % of the calls were faster than.
    p99: Vec<f64>,
}

/// Calls every contestant once to warm up, then in turn for the rounds of the course; prints the table.
pub async fn compete(title: &str, contestants: &[Contestant], course: Course) {
    for contestant in contestants {
        run(&contestant.call, course.calls / 10, course.in_flight).await;
    }
    let mut figures: Vec<Figures> = contestants.iter().map(|contestant| Figures::of(contestant.name)).collect();
    for round in 0..course.rounds {
        // Whoever comes first in a round may find another machine than whoever comes last: each is first in its turn.
        for turn in 0..contestants.len() {
            let at = (round + turn) % contestants.len();
            let (began, before) = (Instant::now(), cpu());
            let latencies = run(&contestants[at].call, course.calls, course.in_flight).await;
            figures[at].add(latencies, course.messages, began.elapsed(), cpu() - before);
        }
    }
    print(title, course, &figures);
}

async fn run(call: &Call, calls: usize, in_flight: usize) -> Vec<u64> {
    let tasks: Vec<_> = (0..in_flight)
        .map(|_| {
            let (call, calls) = (Arc::clone(call), (calls / in_flight).max(1));
            tokio::spawn(async move {
                let mut latencies = Vec::with_capacity(calls);
                for _ in 0..calls {
                    let began = Instant::now();
                    call().await;
                    latencies.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
                }
                latencies
            })
        })
        .collect();
    let mut all = Vec::with_capacity(calls);
    for task in tasks {
        all.extend(task.await.expect("no call fails"));
    }
    all
}

impl Figures {
    fn of(name: &'static str) -> Self {
        Self { name, rates: Vec::new(), cpu: Vec::new(), p50: Vec::new(), p99: Vec::new() }
    }

    #[allow(clippy::cast_precision_loss, reason = "a count of calls")]
    fn add(&mut self, mut latencies: Vec<u64>, messages: usize, took: Duration, used: Duration) {
        let count = (latencies.len() * messages) as f64;
        self.rates.push(count / took.as_secs_f64());
        self.cpu.push(used.as_secs_f64() * 1e6 / count);
        latencies.sort_unstable();
        self.p50.push(percentile(&latencies, 50));
        self.p99.push(percentile(&latencies, 99));
    }
}

fn print(title: &str, course: Course, figures: &[Figures]) {
    let what = if course.messages == 1 { "call" } else { "message" };
    println!("\n### {title}, {} in flight\n", course.in_flight);
    println!("| | best | median | worst | ratio | p50 | p99 | ratio | CPU per {what} | ratio |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let Some(first) = figures.first() else { return };
    for one in figures {
        let ([worst, median, best], cpu, p50, p99) = (spread(&one.rates), middle(&one.cpu), middle(&one.p50), middle(&one.p99));
        println!(
            "| {} | {best:.0}/s | {median:.0}/s | {worst:.0}/s | {:.2} | {p50:.0} µs | {p99:.0} µs | {:.2} | {cpu:.1} µs | {:.2} |",
            one.name,
            median / middle(&first.rates),
            p99 / middle(&first.p99),
            cpu / middle(&first.cpu)
        );
    }
}

/// Lowest, median, highest.
fn spread(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]]
}

/// The median.
fn middle(values: &[f64]) -> f64 {
    spread(values)[1]
}

/// In microseconds.
#[allow(clippy::cast_precision_loss, reason = "a time")]
fn percentile(sorted: &[u64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)] as f64 / 1e3
}
