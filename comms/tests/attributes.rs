//! What the attributes declare, running: layers, provided values, what is published.

use std::sync::{Arc, Mutex};

use comms::broker::memory::Memory;
use comms::handler::{Incoming, Layer, Next, Outcome};
use comms::testing::TestApp;
use comms::{AppBuilder, Publisher, Service, event, event_handler, provider, service};
use futures_util::future::BoxFuture;

/// A guest is at the door.
#[event(name = "test.arrived", version = 1, topic = "guests", key = name)]
#[derive(Clone, Debug, PartialEq)]
struct Arrived {
    name: String,
}

/// A guest was greeted.
#[event(name = "test.greeted", version = 1, topic = "greetings")]
#[derive(Clone, Debug, PartialEq)]
struct Greeted {
    text: String,
}

/// Something that has to be kept elsewhere.
#[event(name = "test.noted", version = 1, topic = "guests", broker = "audit")]
#[derive(Clone, Debug, PartialEq)]
struct Noted {
    text: String,
}

/// What the layers saw.
#[derive(Clone, Debug, Default)]
struct Audit(Arc<Mutex<Vec<String>>>);

impl Layer for Audit {
    fn call<'a>(&'a self, incoming: Incoming, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.0.lock().unwrap().push(format!("{} of {}", incoming.handler, incoming.service));
            next.run(incoming).await
        })
    }
}

#[derive(Clone)]
struct Phrase(&'static str);

#[provider]
fn phrase() -> Phrase {
    Phrase("Hello")
}

#[service(name = "greeter", version = "1.0.0", layers(Audit))]
struct Greeter {
    phrase: Phrase,
    greeted: Publisher<Greeted>,
}

#[service]
impl Greeter {
    #[event_handler(retry(max = 1), timeout = "1s")]
    async fn on_arrived(&self, event: Arrived) -> Result<(), comms::PublishError> {
        self.greeted.publish(&Greeted { text: format!("{}, {}", self.phrase.0, event.name) }).await?;
        Ok(())
    }
}

fn app() -> AppBuilder {
    AppBuilder::new("test").provider::<__comms_phrase>().service::<Greeter>().event_handler::<__comms_Greeter_on_arrived>()
}

#[tokio::test]
async fn a_layer_that_an_attribute_names_runs_around_the_handler() {
    let audit = Audit::default();
    let app = TestApp::with(app().provide(audit.clone())).start().await.unwrap();
    app.publish(&Arrived { name: "Ada".into() }).await.unwrap();
    app.assert_handled("on_arrived", 1);
    app.assert_published(&Greeted { text: "Hello, Ada".into() });
    assert_eq!(*audit.0.lock().unwrap(), ["on_arrived of greeter"]);
}

#[tokio::test]
async fn what_is_handed_over_takes_the_place_of_a_provider() {
    let app = TestApp::with(app().provide(Audit::default()).provide(Phrase("Ahoy"))).start().await.unwrap();
    app.publish(&Arrived { name: "Ada".into() }).await.unwrap();
    app.assert_published(&Greeted { text: "Ahoy, Ada".into() });
}

#[tokio::test]
async fn a_layer_that_nobody_provides_keeps_the_application_from_starting() {
    let error = TestApp::with(app()).start().await.unwrap_err().to_string();
    assert!(error.contains("Audit") && error.contains("#[provider]"), "{error}");
}

#[test]
fn a_service_tells_what_it_publishes_and_which_layers_it_has() {
    let names: Vec<&str> = Greeter::PUBLISHES.iter().map(|event| event.name).collect();
    assert_eq!(names, ["test.greeted"]);
    assert_eq!(Greeter::LAYERS, ["Audit"]);
}

type Notes = Arc<Mutex<Vec<String>>>;

#[event_handler(service = "auditor")]
async fn on_noted(event: Noted, notes: Notes) {
    notes.lock().unwrap().push(event.text);
}

#[tokio::test]
async fn several_named_brokers_work_at_once_and_keep_their_messages_apart() {
    let (notes, audit, default) = (Notes::default(), Memory::new(), Memory::new());
    let app = app().event_function::<comms::handler!(on_noted)>("auditor").provide(Arc::clone(&notes)).provide(Audit::default());
    let app = app.broker("default", Arc::new(default.connect())).broker("audit", Arc::new(audit.connect())).start().await.unwrap();
    let receipt = app.inject::<Publisher<Noted>>().unwrap().publish(&Noted { text: "seen".into() }).await.unwrap();
    assert_eq!(receipt.reach, comms::broker::Reach::Subscribed);
    audit.settled().await;
    assert_eq!(*notes.lock().unwrap(), ["seen"]);
    assert_eq!(
        app.counters()["greeter.guests"].skipped.load(std::sync::atomic::Ordering::Relaxed),
        0,
        "the topic of the same name on the other broker got it"
    );
}

#[tokio::test]
async fn a_broker_that_is_not_configured_is_named_before_anything_starts() {
    let app = app().event_function::<comms::handler!(on_noted)>("auditor").provide(Notes::default()).provide(Audit::default());
    let error = app.broker("default", Arc::new(Memory::new())).start().await.unwrap_err().to_string();
    assert!(error.contains("`audit`") && error.contains("[brokers.audit]"), "{error}");
}
