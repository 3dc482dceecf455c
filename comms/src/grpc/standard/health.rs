//! `grpc.health.v1`: whether a service can be called, asked once or watched.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use prost::Message;
use tonic::Code;

use crate::grpc::{Answer, Call, Descriptor, GrpcError, MethodDecl, Outbound, Serves};

/// What the service asks.
pub(crate) trait Vitals: Send + Sync + 'static {
    /// Whether the gRPC service of the name can be called; the whole process, where the name is empty. Nothing for one that is
    /// not known.
    fn is_serving(&self, service: &str) -> Option<bool>;

    /// The names of all services.
    fn services(&self) -> Vec<&'static str>;

    /// Waits until that may have changed.
    fn changed(&self) -> BoxFuture<'_, ()>;
}

/// The service `grpc.health.v1.Health`.
pub(crate) struct HealthDescriptor;

impl Descriptor for HealthDescriptor {
    const NAME: &'static str = "grpc.health.v1.Health";
    const METHODS: &'static [MethodDecl] = &[MethodDecl::unary("Check"), MethodDecl::unary("List"), MethodDecl::server_streaming("Watch")];
}

/// What answers it.
pub(crate) struct HealthService<V>(pub(crate) Arc<V>);

impl<V: Vitals> Serves<HealthService<V>> for HealthDescriptor {
    async fn serve(service: Arc<HealthService<V>>, call: Call) -> Answer {
        match call.method() {
            "Check" => call.unary(move |request: Asked| async move { service.check(&request.service) }).await,
            "List" => call.unary(move |_: ListRequest| async move { Ok::<_, GrpcError>(service.list()) }).await,
            "Watch" => call.server_streaming(move |request: Asked| async move { Ok(service.watch(request.service)) }).await,
            _ => call.unimplemented(),
        }
    }
}

impl<V: Vitals> HealthService<V> {
    fn check(&self, service: &str) -> Result<Told, GrpcError> {
        let serving = self.0.is_serving(service);
        serving.map(|serving| Told::of(Some(serving))).ok_or_else(|| {
            let known = self.0.services().join("`, `");
            GrpcError::new(
                Code::NotFound,
                format!("there is no gRPC service `{service}` here; there is: `{known}`, and the whole, an empty name"),
            )
        })
    }

    fn list(&self) -> Listed {
        let names = self.0.services().into_iter().chain([""]);
        Listed { statuses: names.map(|name| (name.to_owned(), Told::of(self.0.is_serving(name)))).collect() }
    }

    /// What is known now, and every change of it.
    fn watch(&self, service: String) -> Outbound<Told, GrpcError> {
        let vitals = Arc::clone(&self.0);
        Outbound::produce(|answers| async move {
            let mut told = None;
            loop {
                let now = Told::of(vitals.is_serving(&service));
                if told.as_ref() != Some(&now) {
                    answers.send(now.clone()).await?;
                    told = Some(now);
                }
                vitals.changed().await;
            }
        })
    }
}

#[derive(Clone, PartialEq, Message)]
struct Asked {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, Message)]
struct Told {
    #[prost(enumeration = "ServingStatus", tag = "1")]
    status: i32,
}

impl Told {
    fn of(serving: Option<bool>) -> Self {
        let status = match serving {
            Some(true) => ServingStatus::Serving,
            Some(false) => ServingStatus::NotServing,
            None => ServingStatus::ServiceUnknown,
        };
        Self { status: status as i32 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
enum ServingStatus {
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
    /// Of `Watch` alone.
    ServiceUnknown = 3,
}

#[derive(Clone, PartialEq, Message)]
struct ListRequest {}

#[derive(Clone, PartialEq, Message)]
struct Listed {
    #[prost(map = "string, message", tag = "1")]
    statuses: HashMap<String, Told>,
}
