//! Calls of gRPC.

use std::net::SocketAddr;
use std::time::Duration;

use super::read::{address, duration, enabled, is_true, size};
use crate::config::tree::Table;

/// `[grpc]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrpcConfig {
    /// Whether gRPC is answered at a port, if there are gRPC services. Default: true.
    pub enabled: bool,
    /// Where it listens, if not at the port of HTTP.
    pub address: Option<SocketAddr>,
    /// How many bytes a message of a caller may have. Default: 4 MiB.
    pub request_limit: usize,
    /// How many bytes a message of an answer may have. Default: 4 MiB.
    pub answer_limit: usize,
    /// How long each wait for more of a request message may take. Default: 10 s.
    pub read_timeout: Duration,
    /// How long a whole request message may take. Default: 60 s.
    pub message_timeout: Duration,
    /// Whether answers are compressed with gzip, for callers that read it. Default: false.
    pub compression: bool,
    /// Whether `grpc.health.v1.Health` is answered. Default: true.
    pub health: bool,
    /// Whether reflection is answered, v1 and v1alpha. Default: true.
    pub reflection: bool,
    /// How long streams may go on once the process was told to stop. Default: 1 s.
    pub stream_grace: Duration,
}

impl GrpcConfig {
    pub(in crate::config) fn read(tree: &Table) -> Self {
        Self {
            enabled: enabled(tree, "grpc"),
            compression: is_true(tree, &["grpc", "compression"], false),
            health: is_true(tree, &["grpc", "health"], true),
            reflection: is_true(tree, &["grpc", "reflection"], true),
            address: address(tree, "grpc"),
            request_limit: size(tree, &["grpc", "request_limit"]).unwrap_or(4 << 20),
            answer_limit: size(tree, &["grpc", "answer_limit"]).unwrap_or(4 << 20),
            read_timeout: duration(tree, &["grpc", "read_timeout"]).unwrap_or(Duration::from_secs(10)),
            message_timeout: duration(tree, &["grpc", "message_timeout"]).unwrap_or(Duration::from_secs(60)),
            stream_grace: duration(tree, &["grpc", "stream_grace"]).unwrap_or(Duration::from_secs(1)),
        }
    }
}
