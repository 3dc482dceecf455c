//! Rust for the `.proto` files.

fn main() {
    comms_build::configure()
        .proto("proto/shop/inventory/v1/inventory.proto")
        .include("proto")
        .extern_path(".shop.common.v1.Money", "crate::money::Money")
        .run();
}
