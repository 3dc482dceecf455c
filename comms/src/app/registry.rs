//! What wiring registers, without types: constants and function pointers.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Service;
use crate::broker::Broker;
use crate::cqrs::{BoundRequestHandler, Endpoint, LocalHandlers};
use crate::error::BoxError;
use crate::handler::erased::{Bound, BoundBatchHandler, BoundEventHandler};
use crate::handler::{BatchHandler, EventHandler, HandlerDecl, NamedLayer, RequestHandler, ServiceDecl};
use crate::inject::{InjectError, Provider, ProviderDecl, Scope, TypeList, TypeRef};
use crate::message::{Message, MessageType};

/// Puts a value into the scope.
pub(crate) type Insert = Box<dyn FnOnce(&mut Scope) + Send>;

/// A provider at work.
pub(crate) type Providing = BoxFuture<'static, Result<Insert, BoxError>>;

/// A `#[provider]`.
#[derive(Debug)]
pub(crate) struct ProviderEntry {
    pub(crate) decl: ProviderDecl,
    pub(crate) provides: TypeRef,
    pub(crate) depends: Vec<TypeRef>,
    pub(crate) run: fn(&Scope) -> Result<Providing, InjectError>,
}

impl ProviderEntry {
    pub(crate) fn of<P: Provider>() -> Self {
        Self { decl: P::DECL, provides: TypeRef::of::<P::Value>(), depends: P::Args::types(), run: provide::<P> }
    }
}

fn provide<P: Provider>(scope: &Scope) -> Result<Providing, InjectError> {
    let args = P::inject(scope)?;
    Ok(Box::pin(async move {
        let value = P::provide(args).await?;
        Ok(Box::new(move |scope: &mut Scope| drop(scope.insert(value))) as Insert)
    }))
}

/// A `#[service]` struct.
#[derive(Debug)]
pub(crate) struct ServiceEntry {
    pub(crate) decl: ServiceDecl,
    /// `Arc<S>`, which other services may have injected.
    pub(crate) provides: TypeRef,
    pub(crate) depends: Vec<TypeRef>,
    pub(crate) publishes: &'static [MessageType],
    pub(crate) layer_names: &'static [&'static str],
    pub(crate) build: fn(&mut Scope) -> Result<(), InjectError>,
    pub(crate) layers: fn(&Scope) -> Result<Vec<NamedLayer>, InjectError>,
}

impl ServiceEntry {
    pub(crate) fn of<S: Service>() -> Self {
        Self {
            decl: S::DECL,
            provides: TypeRef::of::<Arc<S>>(),
            depends: S::Dependencies::types(),
            publishes: S::PUBLISHES,
            layer_names: S::LAYERS,
            build: build::<S>,
            layers: S::layers,
        }
    }
}

fn build<S: Service>(scope: &mut Scope) -> Result<(), InjectError> {
    let service = S::build(scope)?;
    scope.insert(Arc::new(service));
    Ok(())
}

/// What a handler is bound with.
pub(crate) struct Binding<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) service: &'static str,
    pub(crate) layers: Arc<[NamedLayer]>,
    pub(crate) timeout: Duration,
    pub(crate) broker: &'a Arc<dyn Broker>,
    pub(crate) local: &'a mut LocalHandlers,
}

/// A handler of an event, a command or a query.
#[derive(Clone, Debug)]
pub(crate) struct HandlerEntry {
    pub(crate) decl: HandlerDecl,
    pub(crate) service: &'static str,
    pub(crate) message: MessageType,
    pub(crate) publishes: &'static [MessageType],
    pub(crate) depends: fn() -> Vec<TypeRef>,
    pub(crate) bind: fn(&mut Binding<'_>) -> Result<Bound, InjectError>,
}

impl HandlerEntry {
    pub(crate) fn event<H: EventHandler>(service: &'static str) -> Self {
        let (message, depends) = (H::Event::TYPE, H::Args::types as fn() -> _);
        Self { decl: H::DECL, service, message, publishes: H::PUBLISHES, depends, bind: bind_event::<H> }
    }

    pub(crate) fn batch<H: BatchHandler>(service: &'static str) -> Self {
        let (message, depends) = (H::Event::TYPE, H::Args::types as fn() -> _);
        Self { decl: H::DECL, service, message, publishes: H::PUBLISHES, depends, bind: bind_batch::<H> }
    }

    pub(crate) fn request<H: RequestHandler>(service: &'static str) -> Self {
        let (message, depends) = (H::Request::TYPE, H::Args::types as fn() -> _);
        Self { decl: H::DECL, service, message, publishes: H::PUBLISHES, depends, bind: bind_request::<H> }
    }
}

fn bind_event<H: EventHandler>(binding: &mut Binding<'_>) -> Result<Bound, InjectError> {
    let service = binding.scope.get::<Arc<H::Service>>()?;
    let args = H::inject(binding.scope)?;
    Ok(Bound::One(Arc::new(BoundEventHandler::<H>::new(service, args, Arc::clone(&binding.layers)))))
}

fn bind_batch<H: BatchHandler>(binding: &mut Binding<'_>) -> Result<Bound, InjectError> {
    let service = binding.scope.get::<Arc<H::Service>>()?;
    let args = H::inject(binding.scope)?;
    Ok(Bound::Batch(Arc::new(BoundBatchHandler::<H>::new(service, args))))
}

fn bind_request<H: RequestHandler>(binding: &mut Binding<'_>) -> Result<Bound, InjectError> {
    let service = binding.scope.get::<Arc<H::Service>>()?;
    let args = H::inject(binding.scope)?;
    let endpoint = Arc::new(Endpoint::<H>::new(binding.service, service, args, Arc::clone(&binding.layers), binding.timeout));
    binding.local.insert::<H::Request>(Arc::new(Arc::clone(&endpoint)));
    Ok(Bound::One(Arc::new(BoundRequestHandler::new(endpoint, Arc::clone(binding.broker)))))
}

/// A message type with what the documents need of it.
#[derive(Clone, Debug)]
pub(crate) struct MessageEntry {
    pub(crate) message: MessageType,
    pub(crate) schema: fn() -> Option<schemars::Schema>,
}

impl MessageEntry {
    pub(crate) fn of<M: Message>() -> Self {
        Self { message: M::TYPE, schema: M::schema }
    }
}
