//! Finds what `src/` annotates, checks it, and generates the wiring.

fn main() {
    comms_build::configure().contracts("../contracts").run();
}
