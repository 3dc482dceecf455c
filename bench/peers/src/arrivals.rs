//! What was handled.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

static EXPECTED: AtomicUsize = AtomicUsize::new(0);
static LEFT: AtomicUsize = AtomicUsize::new(0);

/// Begins to count.
pub fn expect(messages: usize) {
    EXPECTED.store(messages, Ordering::SeqCst);
    LEFT.store(messages, Ordering::SeqCst);
}

/// One was handled.
pub fn handled() {
    let left = LEFT.fetch_sub(1, Ordering::SeqCst);
    if left == EXPECTED.load(Ordering::SeqCst) {
        say("first");
    }
    if left == 1 {
        say("all");
    }
}

/// Tells the benchmark.
pub fn say(word: &str) {
    let mut output = std::io::stdout().lock();
    // Nobody is there to be told when the benchmark has ended.
    let _ = writeln!(output, "{word}").and_then(|()| output.flush());
}
