//! The handlers of this process, by the type of what they answer.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::context::Context;
use crate::error::Fault;
use crate::message::Request;

/// What a handler came to: the reply or its own error, or a fault of the machinery.
pub(crate) type Answer<R> = Result<Result<<R as Request>::Reply, <R as Request>::Error>, Fault>;

/// Calls the handler of `R` in this process.
pub(crate) trait Call<R: Request>: Send + Sync + 'static {
    /// Calls it in the context, for at most so long.
    fn call(&self, request: R, context: Context, patience: Duration) -> BoxFuture<'static, Answer<R>>;
}

/// The handlers of this process.
#[derive(Default)]
pub(crate) struct LocalHandlers(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl LocalHandlers {
    /// Adds the handler of `R`; `false` if there is one already.
    pub(crate) fn insert<R: Request>(&mut self, handler: Arc<dyn Call<R>>) -> bool {
        self.0.insert(TypeId::of::<R>(), Box::new(handler)).is_none()
    }

    /// The handler of `R`.
    pub(crate) fn get<R: Request>(&self) -> Option<&Arc<dyn Call<R>>> {
        self.0.get(&TypeId::of::<R>())?.downcast_ref()
    }
}

impl std::fmt::Debug for LocalHandlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalHandlers({})", self.0.len())
    }
}
