//! The application that a client belongs to, when it serves what the client calls.

use std::sync::{Arc, OnceLock};

use super::channel::{Channel, LocalService};
use super::local::{Carries, Typed};
use crate::http::Response;

/// Stands for an application before it is made: clients are made before the services that they call.
#[derive(Clone, Default)]
pub(crate) struct Home(Arc<OnceLock<Box<dyn Carries>>>);

impl Home {
    /// From here on calls are answered, by this.
    pub(crate) fn open<S: LocalService<Response = Response, Future: Send>>(&self, service: S) {
        let _ = self.0.set(Box::new(Typed(service)));
    }

    /// To the application.
    pub(crate) fn channel(&self, client: &'static str) -> Channel {
        Channel::home(client, self.clone())
    }

    pub(super) fn get(&self) -> Option<&dyn Carries> {
        self.0.get().map(|service| &**service)
    }
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.get().is_some() { "Home(open)" } else { "Home(not open yet)" })
    }
}
