//! The line that brings generated code into a crate.

/// Takes in what `comms-build` made of the `.proto` files that the build script names: a module for each package.
///
/// ```ignore
/// // build.rs: comms_build::configure().proto("proto/shop/inventory/v1/inventory.proto").run()
/// pub mod proto {
///     comms::proto!();
/// }
/// use proto::shop::inventory::v1::{Inventory, InventoryClient, InventoryServer, ReserveRequest};
/// ```
///
/// One such line takes in all packages, since they refer to each other.
#[macro_export]
macro_rules! proto {
    () => {
        ::core::include!(::core::concat!(
            ::core::env!("COMMS_PROTO", "comms::proto!() takes in what the build script generates of `.proto` files, and here it names none: write build.rs with `fn main() { comms_build::configure().proto(\"..\").run() }`, and `comms-build` with the feature `proto` among the build-dependencies"),
            "/mod.rs"
        ));
    };
}
