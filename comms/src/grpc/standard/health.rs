//! `grpc.health.v1`: whether a service can be called, asked once or watched.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use prost::Message;
use tokio::sync::watch;
use tonic::Code;

use crate::grpc::{Answer, Call, Descriptor, GrpcError, MethodDecl, Outbound, Serves};

/// What the service asks.
pub(crate) trait Vitals: Send + Sync + 'static {
    /// Whether the gRPC service of the name can be called; the whole process, where the name is empty. Nothing for one that is
    /// not known.
    fn is_serving(&self, service: &str) -> Option<bool>;

    /// The names of all services.
    fn services(&self) -> Vec<&'static str>;

    /// Told whenever that may have changed, from now on.
    fn changes(&self) -> watch::Receiver<()>;

    /// Looks for changes that nobody tells, for as long as somebody waits for them.
    fn look(&self) -> BoxFuture<'_, Infallible>;
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
            let (mut told, mut changes) = (None, vitals.changes());
            loop {
                let now = Told::of(vitals.is_serving(&service));
                if told.as_ref() != Some(&now) {
                    answers.send(now.clone()).await?;
                    told = Some(now);
                }
                tokio::select! {
                    // What it is told of is there for as long as there are vitals.
                    _ = changes.changed() => {}
                    never = vitals.look() => match never {},
                }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;

    /// Of one service, which tells of its changes.
    #[derive(Default)]
    struct Pulse {
        serving: AtomicBool,
        asked: AtomicUsize,
        changes: watch::Sender<()>,
    }

    impl Pulse {
        fn set(&self, serving: bool) {
            self.serving.store(serving, Ordering::SeqCst);
            self.changes.send_replace(());
        }
    }

    impl Vitals for Pulse {
        fn is_serving(&self, _: &str) -> Option<bool> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            Some(self.serving.load(Ordering::SeqCst))
        }

        fn services(&self) -> Vec<&'static str> {
            Vec::new()
        }

        fn changes(&self) -> watch::Receiver<()> {
            self.changes.subscribe()
        }

        fn look(&self) -> BoxFuture<'_, Infallible> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_watches_is_woken_by_changes_and_by_nothing_else() {
        let pulse = Arc::new(Pulse::default());
        let mut told = HealthService(Arc::clone(&pulse)).watch(String::new());
        let mut next = async || told.next().await.unwrap().unwrap();
        assert_eq!(next().await, Told::of(Some(false)));
        assert_eq!(tokio::time::timeout(Duration::from_secs(3600), next()).await.ok(), None, "nothing has changed");
        assert_eq!(pulse.asked.load(Ordering::SeqCst), 1, "it was asked without a reason");
        pulse.set(true);
        assert_eq!(next().now_or_never(), Some(Told::of(Some(true))));
        // What was told in between is one change.
        pulse.set(false);
        pulse.set(true);
        assert_eq!(next().now_or_never(), None);
        pulse.set(false);
        assert_eq!(next().now_or_never(), Some(Told::of(Some(false))));
    }
}
