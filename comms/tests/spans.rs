//! The spans of `comms::process`. A program of its own with one test: subscribers of single threads disturb each other.

use std::sync::{Arc, Mutex};

use comms::broker::memory::Memory;
use comms::{App, AppBuilder, CommandBus, Failure, Publisher, command, event, event_handler};
use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, SubscriberExt as _};

#[event(name = "test.arrived", version = 1, topic = "guests")]
struct Arrived;

#[command(name = "test.greet", version = 1, owner = "greeter")]
struct Greet;

#[event_handler(service = "greeter")]
async fn on_arrived(_event: Arrived) {}

#[command(service = "greeter")]
async fn greet(_command: Greet) -> Result<(), Failure> {
    Ok(())
}

/// The names of the spans that were opened, in their order.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<&'static str>>>);

impl Spans {
    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl<S: Subscriber> tracing_subscriber::Layer<S> for Spans {
    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if span.metadata().target() == "comms::process" {
            self.0.lock().unwrap().push(span.metadata().name());
        }
    }
}

async fn call(app: &App) {
    app.inject::<CommandBus>().unwrap().send(Greet).await.unwrap();
}

#[tokio::test]
async fn what_is_published_called_and_handled_has_a_span_each() {
    let spans = Spans::default();
    let _listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(spans.clone()));
    let memory = Memory::new();
    let app = |name: &str| AppBuilder::new(name).broker("default", Arc::new(memory.connect()));
    let greeter =
        app("greeter").event_function::<comms::handler!(on_arrived)>("greeter").request_function::<comms::handler!(greet)>("greeter");
    let (greeter, caller) = (greeter.start().await.unwrap(), app("caller").start().await.unwrap());

    caller.inject::<Publisher<Arrived>>().unwrap().publish(&Arrived).await.unwrap();
    memory.settled().await;
    assert_eq!(spans.take(), ["publish", "process"]);
    call(&greeter).await;
    assert_eq!(spans.take(), ["call"], "within the process");
    call(&caller).await;
    assert_eq!(spans.take(), ["publish", "process", "publish"], "the request, its handling, the reply");
}
