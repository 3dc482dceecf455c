//! Frames that a profiler switches its counting on in: `valgrind --tool=callgrind --collect-atstart=no
//! --toggle-collect=comms_bench::region::publishing`.
//!
//! They take `dyn FnMut`, so that no other frame carries their name, and are never inlined.

use std::hint::black_box;

/// Everything that happens until the broker has confirmed the messages.
#[inline(never)]
pub fn publishing(work: &mut dyn FnMut()) {
    work();
    after("published");
}

/// Everything that happens from there until the messages are settled.
#[inline(never)]
pub fn delivering(work: &mut dyn FnMut()) {
    work();
    after("delivered");
}

/// Were the call of the work the last thing in a frame, it could become a jump that leaves the frame before; were the
/// frames alike, they could become one.
fn after(what: &str) {
    black_box(what);
}
