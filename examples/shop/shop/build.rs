//! Generates the wiring of the view, and checks the shop as a whole: who publishes what nobody handles, and the reverse.

fn main() {
    comms_build::configure()
        .contracts("../contracts")
        .system(["../orders", "../inventory", "../billing", "../payments", "../notifications", "../loadgen"])
        .run();
}
