//! Services that are played, in the process of the test: no port is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::header::CONTENT_LENGTH;

use super::TestAppBuilder;
use crate::client::{Answering, Channel, Client};
use crate::http::table::Table;
use crate::http::{Body, Endpoint, IntoResponse as _, Problem, Response, Route, problem, respond};

/// How long a fake waits for more of a body.
const PATIENCE: Duration = Duration::from_secs(10);

/// A played service. The fakes of contracts and of gRPC services are some.
pub trait Fake {
    /// What calls it.
    fn channel(&self) -> Channel;
}

impl TestAppBuilder {
    /// Lets the client call the fake, which answers in this process.
    pub fn fake<C: Client>(self, fake: &impl Fake) -> Self {
        self.client::<C>(fake.channel())
    }

    /// Lets the client call over this channel.
    pub fn client<C: Client>(self, channel: Channel) -> Self {
        Self(self.0.client_over::<C>(channel))
    }
}

/// Routes of one service in this process, without an application: what the fakes of contracts answer with.
///
/// What an answer keeps from a client in production is told: why a route failed or panicked is the detail of the problem.
pub struct Routes<S> {
    name: &'static str,
    service: Arc<S>,
    endpoints: Vec<Endpoint>,
}

impl<S: Send + Sync + 'static> Routes<S> {
    /// Of the service, none yet.
    #[must_use]
    pub fn of(name: &'static str, service: Arc<S>) -> Self {
        Self { name, service, endpoints: Vec::new() }
    }

    /// With this route.
    #[must_use]
    pub fn route<R: Route<Service = S>>(mut self) -> Self {
        self.endpoints.push(Endpoint::of::<R>(self.name, Arc::clone(&self.service), PATIENCE).keeping_bodies());
        self
    }

    /// What calls them.
    #[must_use]
    pub fn channel(self) -> Channel {
        let table = Arc::new(Table::new(self.endpoints));
        Channel::local(Answering(move |request| {
            let table = Arc::clone(&table);
            async move { outspoken(respond(&table, request).await).await }
        }))
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Routes of {}: {:?}", self.name, self.endpoints)
    }
}

/// With the cause told, where the client would be told nothing.
async fn outspoken(mut response: Response) -> Response {
    let Some(problem::Cause(cause)) = response.extensions_mut().remove() else { return response };
    let (mut parts, body) = response.into_parts();
    let told = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    parts.headers.remove(CONTENT_LENGTH);
    match serde_json::from_slice::<Problem>(&told) {
        Ok(problem) if problem.detail_text().is_none() => Response::from_parts(parts, problem.detail(cause).into_response().into_body()),
        _ => Response::from_parts(parts, Body::from(told)),
    }
}
