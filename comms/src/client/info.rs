//! What layers around a channel know of a call.

/// What is known of a call beside its request: it stands in the extensions of each request that passes the
/// [layers](super::Channel::layered) of a client.
///
/// A layer that repeats requests asks it which ones it may:
///
/// ```
/// use comms::client::CallInfo;
///
/// fn may_be_repeated<B>(request: &hyper::Request<B>) -> bool {
///     request.extensions().get::<CallInfo>().is_some_and(CallInfo::is_repeatable)
/// }
/// # assert!(!may_be_repeated(&hyper::Request::new(())));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallInfo {
    /// The name of the client.
    pub client: &'static str,
    /// The name of the method: `place`; of gRPC its path: `/shop.inventory.v1.Inventory/Reserve`.
    pub method: &'static str,
    /// Whether carrying the call out twice does what once does. Of HTTP: `idempotent` of the method, and every GET, PUT and DELETE; of
    /// gRPC: the option `idempotency_level` of the method in its `.proto` file.
    pub idempotent: bool,
    /// Whether it carries a key by which the service knows a repetition.
    pub idempotency_key: bool,
    /// Whether the body is there as a whole, so that it can be kept and sent again; a stream of requests is not.
    pub whole: bool,
}

impl CallInfo {
    /// Of a call that may not be repeated.
    #[must_use]
    pub const fn new(client: &'static str, method: &'static str) -> Self {
        Self { client, method, idempotent: false, idempotency_key: false, whole: true }
    }

    /// Whether it may be sent again when nobody knows whether it was carried out.
    #[must_use]
    pub const fn is_repeatable(&self) -> bool {
        (self.idempotent || self.idempotency_key) && self.whole
    }
}
