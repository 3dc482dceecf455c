//! What `#[rpc(..)]` says of a method.

use std::time::Duration;

use crate::location::Location;

/// What `#[rpc(..)]` says of a method of a gRPC service, beside what its `.proto` file says.
///
/// ```
/// use std::time::Duration;
/// use comms::grpc::RpcDecl;
/// use comms::handler::Location;
///
/// const RESERVE: RpcDecl = RpcDecl::new("reserve", Location::new(file!(), line!())).timeout(Duration::from_secs(2));
/// assert_eq!(RESERVE.timeout, Some(Duration::from_secs(2)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RpcDecl {
    /// The name of the method in Rust.
    pub method: &'static str,
    /// Where it stands.
    pub location: Location,
    /// The longest that a call may take, from its head to the end of its answer. A caller may ask for less. None: as long as it asks for.
    pub timeout: Option<Duration>,
    /// How many bytes a message of its caller may have.
    pub request_limit: Option<usize>,
    /// How many bytes a message of its answer may have.
    pub answer_limit: Option<usize>,
}

impl RpcDecl {
    /// A method with nothing said of it.
    #[must_use]
    pub const fn new(method: &'static str, location: Location) -> Self {
        Self { method, location, timeout: None, request_limit: None, answer_limit: None }
    }

    /// A call may take so long.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// A message of a caller may have so many bytes.
    #[must_use]
    pub const fn request_limit(mut self, bytes: usize) -> Self {
        self.request_limit = Some(bytes);
        self
    }

    /// A message of an answer may have so many bytes.
    #[must_use]
    pub const fn answer_limit(mut self, bytes: usize) -> Self {
        self.answer_limit = Some(bytes);
        self
    }
}
