//! A gRPC service from `.proto` files, and what its tests share.

pub mod desk;
pub mod money;
pub mod serving;
pub mod stock;
pub mod whole;

/// What the build script made of the `.proto` files.
pub mod proto {
    comms::proto!();
}
