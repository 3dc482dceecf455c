//! A component that tells how it is doing only when it is asked.

use std::fmt;

use futures_util::future::BoxFuture;

use super::component::Component;
use super::state::State;

/// A component that tells how it is doing when it is asked.
pub(super) struct Probe {
    pub(super) component: Component,
    /// Whether nobody hears of a change before somebody asks.
    #[cfg_attr(not(feature = "grpc"), expect(dead_code, reason = "only who watches over gRPC asks"))]
    pub(super) silent: bool,
    /// What resolves once it may have changed, where that is told.
    #[cfg_attr(not(feature = "grpc"), expect(dead_code, reason = "only who watches over gRPC asks"))]
    pub(super) changed: Box<dyn Fn() -> Option<BoxFuture<'static, ()>> + Send + Sync>,
    pub(super) look: Box<dyn Fn() -> State + Send + Sync>,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.component.fmt(f)
    }
}
