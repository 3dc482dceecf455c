//! The services that every gRPC server has, by the conventions of gRPC.

pub(crate) mod health;
mod index;
pub(crate) mod reflection;

/// The `.proto` files of these services, a `FileDescriptorSet`: what the packages `grpcio-health-checking` and `grpcio-reflection`
/// for Python have in them, under the names that the files have in the repository `grpc-proto`.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!("descriptors.binpb");
