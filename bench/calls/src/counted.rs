//! So many calls on one thread, where a profiler counts them.

use comms_bench::region;
use tokio::runtime::Runtime;

use crate::contest::Contestant;

/// Calls it so often, one call after the other; what came before the first ones is not counted.
pub fn counted(runtime: &Runtime, contestant: &Contestant, calls: usize) {
    let repeat = |calls| async move {
        for _ in 0..calls {
            (contestant.call)().await;
        }
    };
    // Connections, pools and what grows once.
    runtime.block_on(repeat(100));
    region::delivering(&mut || runtime.block_on(repeat(calls)));
}
