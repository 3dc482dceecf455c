//! A shop in one crate: a contract over HTTP, a gRPC service, a foreign API, and a service that calls all three.

pub mod bank;
pub mod shop;
pub mod stock;

/// What the build script made of the `.proto` file.
pub mod proto {
    comms::proto!();
}

comms::wiring!();
