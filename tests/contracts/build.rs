//! The wiring, and Rust for the `.proto` file.

fn main() {
    comms_build::configure().proto("proto/inventory.proto").strict().run();
}
