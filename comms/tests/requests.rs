//! Commands and queries: one handler, in this process or behind a broker, and its typed answer.

#[macro_use]
mod support;

use std::sync::Arc;
use std::time::Duration;

use comms::broker::memory::Memory;
use comms::handler::{Free, HandlerDecl, Location, RequestHandler};
use comms::inject::{InjectError, Scope};
use comms::message::{MessageKind, MessageType, codec};
use comms::{App, AppBuilder, CallError, Class, Command, CommandBus, Context, Query, QueryBus, Request};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A command that says itself what shall become of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Transfer {
    Cents(u64),
    TooMuch,
    Panic,
    Hang,
    AskCorrelation,
    AskDeadline,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("only {available} cents are there")]
struct Refusal {
    available: u64,
}

json_message!(Transfer, message_type!("bank.transfer", 1, Command, "commands.bank", Some("bank"), "requests::Transfer"), |_| None);

impl Request for Transfer {
    type Reply = String;
    type Error = Refusal;
}

impl Command for Transfer {}

struct OnTransfer;

impl RequestHandler for OnTransfer {
    type Service = Free;
    type Request = Transfer;
    type Args = ();
    const DECL: HandlerDecl = HandlerDecl::new("transfer", Location::new(file!(), line!())).timeout(Duration::from_secs(5));

    fn inject(_: &Scope) -> Result<(), InjectError> {
        Ok(())
    }

    async fn call(_: &Free, transfer: Transfer, (): ()) -> Result<String, Refusal> {
        match transfer {
            Transfer::Cents(cents) => Ok(format!("moved {cents}")),
            Transfer::TooMuch => Err(Refusal { available: 7 }),
            Transfer::Panic => panic!("the vault is on fire"),
            Transfer::Hang => std::future::pending().await,
            Transfer::AskDeadline => Ok(Context::current().deadline().map(|deadline| deadline.to_string()).unwrap_or_default()),
            Transfer::AskCorrelation => Ok(Context::current().correlation().map(ToString::to_string).unwrap_or_default()),
        }
    }
}

/// A question.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Balance {
    account: u32,
}

json_message!(Balance, message_type!("bank.balance", 1, Query, "queries.bank", Some("bank"), "requests::Balance"), |_| None);

impl Request for Balance {
    type Reply = u32;
    type Error = Refusal;
}

impl Query for Balance {}

struct OnBalance;

impl RequestHandler for OnBalance {
    type Service = Free;
    type Request = Balance;
    type Args = ();
    const DECL: HandlerDecl = HandlerDecl::new("balance", Location::new(file!(), line!()));

    fn inject(_: &Scope) -> Result<(), InjectError> {
        Ok(())
    }

    async fn call(_: &Free, question: Balance, (): ()) -> Result<u32, Refusal> {
        Ok(question.account * 100)
    }
}

/// The bank and its customer: in one process, or on two connections to a broker.
struct World {
    _bank: App,
    customer: Option<App>,
}

impl World {
    async fn start(remote: bool) -> Self {
        let memory = Memory::new();
        let app = |name: &str| AppBuilder::new(name).broker("default", Arc::new(memory.connect()));
        let bank = app("bank").request_function::<OnTransfer>("bank").request_function::<OnBalance>("bank").start().await.unwrap();
        let customer = if remote { Some(app("customer").start().await.unwrap()) } else { None };
        Self { _bank: bank, customer }
    }

    fn bus(&self) -> CommandBus {
        self.customer.as_ref().unwrap_or(&self._bank).inject().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn the_reply_reaches_the_caller_here_and_over_a_broker() {
    for remote in [false, true] {
        let world = World::start(remote).await;
        assert_eq!(world.bus().send(Transfer::Cents(5)).await.unwrap(), "moved 5");
    }
}

#[tokio::test(start_paused = true)]
async fn the_handlers_own_error_reaches_the_caller_as_its_type() {
    for remote in [false, true] {
        let world = World::start(remote).await;
        let error = world.bus().send(Transfer::TooMuch).await.unwrap_err();
        assert_eq!(error.refused(), Some(Refusal { available: 7 }), "remote: {remote}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_the_call_and_not_the_service() {
    for remote in [false, true] {
        let world = World::start(remote).await;
        let error = world.bus().send(Transfer::Panic).await.unwrap_err();
        assert!(matches!(&error, CallError::Failed { failure, .. } if failure.message.contains("panicked")), "remote: {remote}: {error:?}");
        assert!(world.bus().send(Transfer::Cents(1)).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_stopped_and_the_caller_told() {
    for remote in [false, true] {
        let world = World::start(remote).await;
        let error = world.bus().send(Transfer::Hang).await.unwrap_err();
        assert!(
            matches!(&error, CallError::Failed { failure, .. } if failure.message.contains("within 5s")),
            "remote: {remote}: {error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_no_longer_than_it_says() {
    for remote in [false, true] {
        let world = World::start(remote).await;
        let begun = tokio::time::Instant::now();
        let error = world.bus().send_within(Transfer::Hang, Duration::from_secs(1)).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_millis(1100), "{:?}", begun.elapsed());
        assert_eq!(comms::Classify::class(&error), Class::Unknown, "remote: {remote}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_there_is_said_at_once() {
    let customer = AppBuilder::new("customer").broker("default", Arc::new(Memory::new())).start().await.unwrap();
    let bus: CommandBus = customer.inject().unwrap();
    let error = bus.send(Transfer::Cents(1)).await.unwrap_err();
    assert!(matches!(error, CallError::NoHandler { owner: "bank", .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_conversation_of_the_caller_goes_on_in_the_handler() {
    for remote in [false, true] {
        let world = World::start(remote).await;
        let bus = world.bus();
        let correlation = comms::message::Id::new();
        let seen = Context::default()
            .with_correlation(correlation.clone())
            .scope(async { bus.send(Transfer::AskCorrelation).await.unwrap() })
            .await;
        assert_eq!(seen, correlation.to_string(), "remote: {remote}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_patience_is_the_handlers_deadline() {
    for remote in [false, true] {
        let world = World::start(remote).await;
        let asked = Timestamp::now();
        let seen = world.bus().send_within(Transfer::AskDeadline, Duration::from_secs(60)).await.unwrap();
        let left = seen.parse::<Timestamp>().unwrap().duration_since(asked).as_secs_f64();
        assert!((59.0..=75.0).contains(&left), "remote: {remote}: {left} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_is_answered_here_and_over_a_broker() {
    for remote in [false, true] {
        let world = World::start(remote).await;
        let bus: QueryBus = world.customer.as_ref().unwrap_or(&world._bank).inject().unwrap();
        assert_eq!(bus.ask(Balance { account: 7 }).await.unwrap(), 700, "remote: {remote}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_get_their_own_replies() {
    let world = World::start(true).await;
    let calls = (0..100_u64).map(|cents| {
        let bus = world.bus();
        async move { bus.send(Transfer::Cents(cents)).await.unwrap() }
    });
    let replies = futures_util::future::join_all(calls).await;
    assert_eq!(replies, (0..100).map(|cents| format!("moved {cents}")).collect::<Vec<_>>());
}
