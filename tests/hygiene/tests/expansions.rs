//! What the expansions of this crate's modules say and do.

use std::time::Duration;

use comms::handler::{AfterDeadLetter, EventHandler, RequestHandler};
use comms::http::{Place, Route, Verb};
use comms::inject::{Provider, Scope, TypeList};
use comms::message::MessageKind;
use comms::{Class, Classified, Event, Message, Service, event, event_handler, get, provider, put, query, service};

/// Something happened.
///
/// Twice.
#[event(name = "test.happened", version = 3, topic = "tests", broker = "audit", key = id)]
#[derive(Clone, Debug, PartialEq)]
struct Happened {
    id: u64,
    #[serde(rename = "said")]
    text: String,
}

#[query(name = "test.ask", version = 1, owner = "test", reply = u64)]
struct Ask;

#[service(
    name = "test",
    version = "1.2.3",
    tags("a"),
    subscribe("tests", group = "g", ordered(shards = 4, after = "park-key"), dedup = "1m30s")
)]
struct Test {
    offset: u64,
}

#[service]
impl Test {
    /// Says what it says.
    #[event_handler(group = "g", retry(max = 1), timeout = "2s")]
    async fn on_happened(&self, event: Happened, factor: u32) -> Result<(), comms::BoxError> {
        Err(Classified::permanent(format!("{} {} {factor}", event.text, self.offset)).into())
    }

    #[query]
    async fn ask(&self, _query: Ask) -> Result<u64, comms::Failure> {
        Ok(self.offset)
    }

    /// Puts it there.
    #[put("/things/{id}", status = 202, timeout = "2s", limit(body = "1KiB"))]
    async fn place(&self, thing: u64, id: u64, #[query] dry_run: Option<bool>, #[header("x-tenant")] tenant: Option<u64>) -> u64 {
        thing + id + u64::from(dry_run.is_some()) + tenant.unwrap_or_default()
    }

    #[get("/things")]
    async fn list(&self) {}
}

#[event_handler]
async fn quiet(_event: Happened) {}

#[provider]
fn factor(offset: u64) -> Result<u32, std::num::TryFromIntError> {
    u32::try_from(offset)
}

fn scope() -> Scope {
    let mut scope = Scope::new();
    scope.insert(40_u64);
    scope.insert(2_u32);
    scope
}

fn happened() -> Happened {
    Happened { id: 7, text: "hello".to_owned() }
}

/// Polls a future that never waits.
fn now<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the handler waits"),
    }
}

#[test]
fn a_message_says_who_it_is_on_the_wire() {
    let declared = Happened::TYPE;
    assert_eq!((declared.name, declared.version, declared.topic, declared.broker), ("test.happened", 3, "tests", "audit"));
    assert_eq!((declared.kind, declared.owner, declared.key), (MessageKind::Event, None, Some("id")));
    assert_eq!(declared.doc, "Something happened.\n\nTwice.");
    assert_eq!(declared.rust_path, "expansions::Happened");
    assert_eq!((Ask::TYPE.topic, Ask::TYPE.owner), ("queries.test", Some("test")));
}

#[test]
fn a_message_survives_its_codec_with_the_users_own_serde_options() {
    let bytes = happened().encode().unwrap();
    assert_eq!(&bytes[..], br#"{"id":7,"said":"hello"}"#);
    assert_eq!(Happened::decode(Some("application/json"), &bytes).unwrap(), happened());
    assert_eq!(happened().key().as_deref(), Some("7"));
    let schema = Happened::schema().unwrap();
    assert!(schema.as_value()["properties"]["said"].is_object(), "{schema:?}");
}

#[test]
fn a_service_says_what_its_attribute_says() {
    let declared = Test::DECL;
    assert_eq!((declared.name, declared.version, declared.tags), ("test", "1.2.3", &["a"][..]));
    let [subscription] = declared.subscriptions else { panic!("one subscription, not {:?}", declared.subscriptions) };
    assert_eq!((subscription.topic, subscription.group, subscription.ordered), ("tests", Some("g"), Some(4)));
    assert_eq!((subscription.after, subscription.dedup), (AfterDeadLetter::ParkKey, Some(Duration::from_secs(90))));
    assert!(declared.location.file.ends_with("expansions.rs"), "{}", declared.location);
}

#[test]
fn values_are_injected_by_type() {
    let service = Test::build(&scope()).unwrap();
    assert_eq!(service.offset, 40);
    assert_eq!(<__comms_Test_on_happened as EventHandler>::Args::types().len(), 1);
    assert!(Test::build(&Scope::new()).is_err());
}

#[test]
fn a_handler_is_called_with_its_message_and_its_arguments() {
    let service = Test::build(&scope()).unwrap();
    let args = __comms_Test_on_happened::inject(&scope()).unwrap();
    let fault = now(__comms_Test_on_happened::call(&service, happened(), args)).unwrap_err();
    assert_eq!((fault.class, fault.to_string().as_str()), (Class::Permanent, "hello 40 2"));
    assert!(now(__comms_quiet::call(&comms::handler::Free, happened(), ())).is_ok());
    assert_eq!(now(__comms_Test_ask::call(&service, Ask, ())).unwrap(), 40);
}

#[test]
fn a_handler_says_what_its_attribute_says() {
    let declared = __comms_Test_on_happened::DECL;
    assert_eq!((declared.name, declared.group, declared.doc), ("on_happened", Some("g"), "Says what it says."));
    assert_eq!((declared.retry.max, declared.timeout), (1, Duration::from_secs(2)));
    let (line, attribute) =
        (declared.location.line, include_str!("expansions.rs").lines().position(|line| line.contains("async fn on_happened")));
    assert_eq!(Some(line as usize - 1), attribute, "the line of the method");
}

#[test]
fn a_route_says_what_its_attribute_says() {
    let declared = __comms_Test_place::DECL;
    assert_eq!((declared.verb, declared.path, declared.name, declared.doc), (Verb::Put, "/things/{id}", "place", Some("Puts it there.")));
    assert_eq!((declared.status, declared.timeout, declared.body_limit), (202, Duration::from_secs(2), 1024));
    let places: Vec<(&str, Place)> = declared.parameters.iter().map(|it| (it.name, it.place)).collect();
    assert_eq!(places, [("thing", Place::Body), ("id", Place::Path), ("dry_run", Place::Query), ("x-tenant", Place::Header)]);
    let line = include_str!("expansions.rs").lines().position(|line| line.contains("async fn place"));
    assert_eq!(Some(declared.location.line as usize - 1), line, "the line of the method");
    assert_eq!((__comms_Test_list::DECL.verb, __comms_Test_list::DECL.parameters), (Verb::Get, &[][..]));
}

#[test]
fn a_provider_hands_on_its_value_or_its_error() {
    let args = __comms_factor::inject(&scope()).unwrap();
    assert_eq!(now(__comms_factor::provide(args)).unwrap(), 40);
    assert!(now(__comms_factor::provide((u64::MAX,))).unwrap_err().to_string().contains("out of range"));
    assert_eq!(__comms_factor::DECL.name, "factor");
}

#[test]
fn an_event_is_no_request() {
    fn is_event<E: Event>() {}
    is_event::<Happened>();
}
