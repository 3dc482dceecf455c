//! Keys of idempotency that callers give, and the time after which a service wants to be asked again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use comms::client::{CallError, Client as _};
use comms::config::ClientConfig;
use comms::http::{HttpError, Problem};
use comms::{AppBuilder, Context, get, post, service};
use serde::{Deserialize, Serialize};

use super::media::{config, over_port};
use super::payments::{NewCharge, PaymentApi, PaymentsClient};

type Keys = Arc<Mutex<Vec<String>>>;

async fn charge(State(keys): State<Keys>, headers: HeaderMap) -> (StatusCode, &'static str) {
    let all: Vec<&str> = headers.get_all("idempotency-key").iter().map(|key| key.to_str().unwrap()).collect();
    keys.lock().unwrap().push(all.join(", "));
    (StatusCode::CREATED, r#"{"id":1,"cents":2,"tenant":null}"#)
}

/// A bank of another make, which keeps the keys that it gets.
async fn bank() -> (Keys, ClientConfig) {
    let keys = Keys::default();
    let router = Router::new().route("/charges", post(charge)).with_state(Arc::clone(&keys));
    (keys, super::foreign::serve(router).await)
}

fn gold() -> NewCharge {
    NewCharge { card: "gold".to_owned(), cents: 2 }
}

#[tokio::test]
async fn a_caller_may_give_the_key_and_repeat_it() {
    let (keys, config) = bank().await;
    let payments: PaymentsClient = over_port(&config);
    let repeated = payments.with_idempotency_key("order-7");
    for payments in [&payments, &repeated, &repeated, &payments] {
        payments.charge(gold()).await.unwrap();
    }
    let keys = keys.lock().unwrap().clone();
    assert_eq!((&*keys[1], &*keys[2]), ("\"order-7\"", "\"order-7\""));
    assert!(keys[0] != keys[3] && keys[0].len() == 38 && keys[3].len() == 38, "{keys:?}");
}

#[tokio::test]
async fn a_client_of_ones_own_may_be_given_the_key_too() {
    let (keys, config) = bank().await;
    let payments =
        PaymentApi::over(comms::client::Channel::of("payments", &config).unwrap(), comms::client::Settings::of("payments", &config));
    payments.with_idempotency_key("order-8".to_owned()).charge(gold()).await.unwrap();
    assert_eq!(*keys.lock().unwrap(), ["\"order-8\""]);
}

#[tokio::test]
async fn a_key_that_no_header_can_have_is_refused_before_anything_is_sent() {
    let (keys, config) = bank().await;
    let payments: PaymentsClient = over_port(&config);
    for wrong in ["", "a\"b", "a\r\nb", "ä"] {
        let error = payments.with_idempotency_key(wrong).charge(gold()).await.unwrap_err();
        assert!(matches!(&error, CallError::Request { .. }) && error.to_string().contains("the idempotency key"), "{error:?}");
    }
    assert!(keys.lock().unwrap().is_empty());
}

#[derive(Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[error("come again later")]
pub(crate) struct Busy;

impl HttpError for Busy {
    fn problem(&self) -> Problem {
        Problem::new(503).header("retry-after".parse().unwrap(), "7".parse().unwrap())
    }
}

#[service(name = "desk", version = "1.0.0")]
pub trait Desk {
    #[get("/own")]
    async fn own(&self) -> Result<(), Busy>;

    #[get("/other")]
    async fn other(&self) -> Result<(), Problem>;
}

#[service(name = "office", version = "1.0.0")]
pub(crate) struct Office;

#[service]
impl Desk for Office {
    async fn own(&self) -> Result<(), Busy> {
        Err(Busy)
    }

    async fn other(&self) -> Result<(), Problem> {
        Ok(())
    }
}

#[tokio::test]
async fn a_service_says_when_it_wants_to_be_asked_again() {
    let toml = comms::config::Config::from_toml("[http]\naddress = \"127.0.0.1:0\"").unwrap();
    let app = AppBuilder::new("office").service::<Office>().implementation::<__comms_Office_Desk>();
    let app = app.config(toml).start().await.unwrap();
    let desk: DeskClient = over_port(&config(&app));
    let error = desk.own().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.refused(), Some(Busy));
}

/// Says which keys it sees.
#[service(name = "till", version = "1.0.0")]
pub trait Till {
    #[post("/keyed", idempotency_key)]
    async fn keyed(&self) -> Option<String>;

    #[post("/plain")]
    async fn plain(&self, #[header("idempotency-key")] key: Option<String>) -> (Option<String>, Option<String>);
}

#[service(name = "cashier", version = "1.0.0")]
struct Cashier;

#[service]
impl Till for Cashier {
    async fn keyed(&self) -> Option<String> {
        Context::current().idempotency_key().map(str::to_owned)
    }

    async fn plain(&self, key: Option<String>) -> (Option<String>, Option<String>) {
        (self.keyed().await, key)
    }
}

async fn tills() -> (comms::App, [TillClient; 2]) {
    let toml = comms::config::Config::from_toml("[http]\naddress = \"127.0.0.1:0\"").unwrap();
    let app = AppBuilder::new("till").service::<Cashier>().implementation::<__comms_Cashier_Till>();
    let app = app.config(toml).start().await.unwrap();
    let home = TillClient::over(app.channel(), comms::client::Settings::of("till", &ClientConfig::default()));
    let tills = [over_port(&config(&app)), home];
    (app, tills)
}

#[tokio::test]
async fn a_service_reads_the_key_of_a_call_over_a_port_and_in_the_process() {
    let (_app, tills) = tills().await;
    for till in tills {
        assert_eq!(till.with_idempotency_key("order-7").keyed().await.unwrap().as_deref(), Some("order-7"));
        let (one, other) = (till.keyed().await.unwrap(), till.keyed().await.unwrap());
        assert!(one.is_some() && one != other, "{one:?} {other:?}");
    }
    let seen = Context::default().with_idempotency_key("order-8").scope(Cashier.keyed()).await;
    assert_eq!(seen.as_deref(), Some("order-8"));
}

#[tokio::test]
async fn a_key_stays_with_the_method_that_was_called_with_it() {
    let (_app, tills) = tills().await;
    for till in tills {
        let calls = Context::default().with_idempotency_key("of the caller").scope(till.keyed()).await.unwrap();
        assert!(calls.is_some_and(|key| key.len() == 36), "a key of its own");
        let plain = Context::default().with_idempotency_key("of the caller").scope(till.plain(Some("order-9".to_owned())));
        assert_eq!(plain.await.unwrap(), (None, Some("order-9".to_owned())), "only under the option");
    }
}

#[tokio::test]
async fn whoever_else_says_it_is_heard_too() {
    let limited = || async { (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "Tue, 31 Dec 2999 23:59:59 GMT")], "no") };
    let silent = || async { (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "soon")], "no") };
    let router = Router::new().route("/own", axum::routing::get(limited)).route("/other", axum::routing::get(silent));
    let desk: DeskClient = over_port(&super::foreign::serve(router).await);
    let error = desk.own().await.unwrap_err();
    assert!(matches!(&error, CallError::Problem { .. }), "{error:?}");
    assert!(error.retry_after().is_some_and(|wait| wait > Duration::from_secs(86_400 * 365 * 100)), "{error:?}");
    assert_eq!(desk.other().await.unwrap_err().retry_after(), None);
}
