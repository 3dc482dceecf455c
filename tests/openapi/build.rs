//! Finds what `src/` annotates, and generates the wiring.

fn main() {
    comms_build::configure().run();
}
