//! How long things took, in fixed buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// The upper bounds of the buckets, in seconds: those that OpenTelemetry advises for the processing of messages and requests, and five
/// finer ones, since handlers that wait for nothing take microseconds.
pub const BOUNDS: [f64; 19] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The same in nanoseconds.
const NANOS: [u64; BOUNDS.len()] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    75_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    750_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    7_500_000_000,
    10_000_000_000,
];

/// Counts durations in the buckets of [`BOUNDS`], and in one for all that are longer.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Histogram {
    /// So many took so long, each.
    pub(crate) fn observe(&self, each: Duration, count: u64) {
        let nanos = u64::try_from(each.as_nanos()).unwrap_or(u64::MAX);
        let bucket = NANOS.partition_point(|bound| *bound < nanos);
        self.buckets[bucket].fetch_add(count, Ordering::Relaxed);
        self.nanos.fetch_add(nanos.saturating_mul(count), Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let buckets = self.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed));
        HistogramSnapshot { buckets: buckets.to_vec(), sum: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)) }
    }
}

/// What a [`Histogram`] has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HistogramSnapshot {
    /// How many fell into each bucket, not into those below it: as many as [`BOUNDS`] has, and a last one for what is above.
    pub buckets: Vec<u64>,
    /// All of them together.
    pub sum: Duration,
}

impl HistogramSnapshot {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    fn both_tables_of_bounds_say_the_same() {
        for (seconds, nanos) in BOUNDS.iter().zip(NANOS) {
            assert!((seconds * 1e9 - nanos as f64).abs() < 1.0, "{seconds} {nanos}");
        }
    }

    #[test]
    fn a_duration_is_counted_in_the_first_bucket_that_it_does_not_exceed() {
        let histogram = Histogram::default();
        histogram.observe(Duration::ZERO, 1);
        histogram.observe(Duration::from_micros(100), 2);
        histogram.observe(Duration::from_nanos(100_001), 3);
        histogram.observe(Duration::from_secs(10), 4);
        histogram.observe(Duration::from_secs(11), 5);
        let HistogramSnapshot { buckets, sum } = histogram.snapshot();
        assert_eq!((buckets[0], buckets[1], buckets[18], buckets[19]), (3, 3, 4, 5));
        assert_eq!(sum, Duration::from_nanos(200_000 + 300_003) + Duration::from_secs(95));
    }
}
