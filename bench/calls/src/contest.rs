//! Interleaved rounds of calls: what disturbs the machine meanwhile disturbs every contestant.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comms_bench::process::cpu;
use futures_util::future::BoxFuture;

/// Makes one call.
pub type Call = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Something that can be called.
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

/// What one contestant did.
struct Figures {
    name: &'static str,
    /// Calls per second, an entry for each round.
    rates: Vec<f64>,
    /// Microseconds of processor time per call, client and server, an entry for each round.
    cpu: Vec<f64>,
    /// Nanoseconds of each call of all rounds.
    latencies: Vec<u64>,
}

/// Calls every contestant once to warm up, then in turn for so many rounds, with so many calls in flight; prints the table.
pub async fn compete(title: &str, contestants: &[Contestant], rounds: usize, calls: usize, in_flight: usize) {
    for contestant in contestants {
        run(&contestant.call, calls / 10, in_flight).await;
    }
    let mut figures: Vec<Figures> =
        contestants.iter().map(|it| Figures { name: it.name, rates: Vec::new(), cpu: Vec::new(), latencies: Vec::new() }).collect();
    for _ in 0..rounds {
        for (contestant, figures) in contestants.iter().zip(&mut figures) {
            let (began, before) = (Instant::now(), cpu());
            let latencies = run(&contestant.call, calls, in_flight).await;
            figures.add(latencies, began.elapsed(), cpu() - before);
        }
    }
    print(title, in_flight, &figures);
}

async fn run(call: &Call, calls: usize, in_flight: usize) -> Vec<u64> {
    let tasks: Vec<_> = (0..in_flight)
        .map(|_| {
            let (call, calls) = (Arc::clone(call), calls / in_flight);
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
    #[allow(clippy::cast_precision_loss, reason = "a count of calls")]
    fn add(&mut self, latencies: Vec<u64>, took: Duration, used: Duration) {
        let calls = latencies.len() as f64;
        self.rates.push(calls / took.as_secs_f64());
        self.cpu.push(used.as_secs_f64() * 1e6 / calls);
        self.latencies.extend(latencies);
    }
}

fn print(title: &str, in_flight: usize, figures: &[Figures]) {
    println!("\n### {title}, {in_flight} in flight\n");
    println!("| | best | median | worst | of the first | p50 | p99 | p99 of the first | CPU per call | of the first |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let Some(first) = figures.first() else { return };
    for one in figures {
        let [worst, median, best] = spread(&one.rates);
        let ([_, first_median, _], [_, cpu, _], [_, first_cpu, _]) = (spread(&first.rates), spread(&one.cpu), spread(&first.cpu));
        let (p50, p99, first_p99) = (percentile(&one.latencies, 50), percentile(&one.latencies, 99), percentile(&first.latencies, 99));
        println!(
            "| {} | {best:.0}/s | {median:.0}/s | {worst:.0}/s | {:.2} | {p50:.0} µs | {p99:.0} µs | {:.2} | {cpu:.1} µs | {:.2} |",
            one.name,
            median / first_median,
            p99 / first_p99,
            cpu / first_cpu
        );
    }
}

/// Lowest, median, highest.
fn spread(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]]
}

/// In microseconds.
#[allow(clippy::cast_precision_loss, reason = "a time")]
fn percentile(nanoseconds: &[u64], percent: usize) -> f64 {
    let mut sorted = nanoseconds.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)] as f64 / 1e3
}
