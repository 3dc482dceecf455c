//! What a message allocates in the steady state, publishing and delivering apart.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

use std::alloc::System;

use comms_bench::contest::Contestant;
use comms_bench::in_process::{BATCH, Comms, log_if_asked};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations, those that grow included, and bytes.
type Cost = (usize, usize);

fn main() {
    log_if_asked();
    let mut comms = Comms::start();
    comms.run(10 * BATCH);
    let (short, long) = (rounds(&comms, 10), rounds(&comms, 110));
    let messages = 100 * BATCH;
    println!("| | allocations per message | bytes per message |\n|---|---:|---:|");
    for (what, short, long) in [("publishing", short.0, long.0), ("delivering", short.1, long.1)] {
        println!("| {what} | {:.4} | {:.1} |", per(long.0 - short.0, messages), per(long.1 - short.1, messages));
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts")]
fn per(sum: usize, messages: usize) -> f64 {
    sum as f64 / messages as f64
}

fn rounds(comms: &Comms, batches: usize) -> (Cost, Cost) {
    let mut sums = ((0, 0), (0, 0));
    for _ in 0..batches {
        add(&mut sums.0, cost(|| comms.publish(BATCH)));
        add(&mut sums.1, cost(|| comms.deliver()));
    }
    sums
}

fn add(sum: &mut Cost, cost: Cost) {
    sum.0 += cost.0;
    sum.1 += cost.1;
}

fn cost(work: impl FnOnce()) -> Cost {
    let region = Region::new(ALLOCATOR);
    work();
    let change = region.change();
    (change.allocations + change.reallocations, change.bytes_allocated)
}
