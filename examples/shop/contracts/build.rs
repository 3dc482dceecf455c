//! Makes Rust of the `.proto` files that the services share.

fn main() {
    comms_build::configure().proto("../../../proto/shop/inventory/v1/inventory.proto").run();
}
