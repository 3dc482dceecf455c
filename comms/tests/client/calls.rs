//! Calls of a service of ours, over a port and in the process: what is written is what is read.

use std::sync::atomic::Ordering;

use comms::client::{CallError, Channel, Client as _, Settings};
use comms::config::{ClientConfig, Config};
use comms::http::Problem;
use comms::{App, Class, Classify, Context};
use jiff::{SignedDuration, Timestamp};

use crate::bank::{BankClient, Charge, ChargeError, PANIC, Watch, app};
use crate::peer::until;

async fn serve(watch: &Watch) -> App {
    let config = Config::from_toml("[http]\naddress = \"127.0.0.1:0\"\n").unwrap();
    app(watch).config(config).start().await.unwrap()
}

fn config(app: &App) -> ClientConfig {
    ClientConfig::at(format!("http://{}", app.http_address().unwrap()))
}

fn over_port(app: &App) -> BankClient {
    let config = config(app);
    BankClient::over(Channel::of("bank", &config).unwrap(), Settings::of("bank", &config))
}

fn in_process(app: &App) -> BankClient {
    BankClient::over(app.channel(), Settings::of("bank", &ClientConfig::default()))
}

/// Both ways to call one service.
async fn both(watch: &Watch) -> (App, [BankClient; 2]) {
    let app = serve(watch).await;
    let clients = [over_port(&app), in_process(&app)];
    (app, clients)
}

#[tokio::test]
async fn values_arrive_as_they_were_given() {
    let (_app, clients) = both(&Watch::default()).await;
    for bank in clients {
        let charge = bank.charge(100, Some("größe: a/b")).await.unwrap();
        assert_eq!(charge, Charge { id: 7, cents: 100, tenant: Some("größe: a/b".to_owned()), tags: Vec::new() });
        let found = bank.find("12", Some(5), &["a b&c=d", "+", "ö"]).await.unwrap();
        assert_eq!((found.id, found.cents, found.tags.as_slice()), (12, 5, ["a b&c=d", "+", "ö"].map(str::to_owned).as_slice()));
        assert_eq!(bank.find("12", None, &[]).await.unwrap(), Charge { id: 12, ..Charge::default() });
        assert_eq!(bank.file("a/b c/ü?#%").await.unwrap(), "a/b c/ü?#%");
        bank.forget(3).await.unwrap();
    }
}

#[tokio::test]
async fn the_error_of_the_service_is_the_same_at_its_client() {
    let (_app, clients) = both(&Watch::default()).await;
    for bank in clients {
        let error = bank.charge(1_000_000, None).await.unwrap_err();
        assert_eq!((error.class(), error.to_string()), (Class::Permanent, "the card was declined: 1000000 is too much".to_owned()));
        assert_eq!(error.refused(), Some(ChargeError::Declined(1_000_000)));
        let error = bank.charge(0, None).await.unwrap_err();
        assert!(matches!(error, CallError::Refused(ChargeError::Closed, Class::Retryable, ..)), "{error:?}");
    }
}

#[tokio::test]
async fn a_problem_that_is_no_error_of_the_service_stays_one() {
    let (app, [port, process]) = both(&Watch::default()).await;
    let address = format!("http://{}", app.http_address().unwrap());
    for (bank, address) in [(port, address.as_str()), (process, "this process")] {
        let error = bank.find("seven", None, &[]).await.unwrap_err();
        assert_eq!((error.class(), error.problem().map(Problem::status)), (Class::Permanent, Some(400)));
        let text = error.to_string();
        assert!(text.starts_with(&format!("`find` of `bank` (GET /charges/{{id}}, at {address}) answered 400 Bad Request: ")), "{text}");
        let error = bank.0.begin(&PANIC).send::<(), Problem>().await.unwrap_err();
        assert_eq!((error.class(), error.problem().map(Problem::status)), (Class::Unknown, Some(500)));
    }
}

#[tokio::test]
async fn arguments_that_make_no_request_are_all_named_and_nothing_is_sent() {
    let watch = Watch::default();
    let (_app, clients) = both(&watch).await;
    for bank in clients {
        let mut call = bank.0.begin(&crate::bank::FIND);
        call.path("id", "..").query("tag", &[(1, 2)]).header("x-tenant", "a\nb").header("no name", "a");
        let error = call.send::<(), Problem>().await.unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("`find` of `bank` (GET /charges/{id}) was not called: "), "{text}");
        for part in ["`tag`: a list in a list", "`x-tenant`: its value has a line end", "`no name`: no header", "`id` is `..`"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert_eq!(error.class(), Class::Permanent);
    }
    assert_eq!(watch.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn correlation_trace_and_deadline_go_along() {
    let (_app, clients) = both(&Watch::default()).await;
    let trace: comms::message::TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
    let context = Context::default()
        .with_correlation(comms::message::Id::parse("order/17"))
        .with_trace(trace)
        .with_deadline(Timestamp::now() + SignedDuration::from_secs(5));
    for bank in clients {
        let arrived = context.clone().scope(async { bank.context().await.unwrap() }).await;
        assert_eq!(arrived.correlation.as_deref(), Some("order/17"));
        assert_eq!(arrived.trace.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert!((1..=5000).contains(&arrived.left_ms.unwrap()), "{arrived:?}");
        // Without a deadline of the context it is the timeout of the call: that of the route, 30 seconds.
        let arrived = bank.context().await.unwrap();
        assert!((5001..=30_000).contains(&arrived.left_ms.unwrap()), "{arrived:?}");
        assert!(arrived.correlation.is_some() && arrived.trace.is_some());
    }
}

#[tokio::test]
async fn a_call_whose_deadline_has_passed_is_not_made() {
    let watch = Watch::default();
    let (_app, clients) = both(&watch).await;
    for bank in clients {
        let late = Context::default().with_deadline(Timestamp::now() - SignedDuration::from_millis(1));
        let error = late.scope(async { bank.context().await.unwrap_err() }).await;
        assert_eq!(error.to_string(), "`context` of `bank` (GET /context) was not called: the deadline had passed before");
    }
    assert_eq!(watch.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_deadline_ends_the_call_and_the_work_on_it() {
    let watch = Watch::default();
    let (_app, clients) = both(&watch).await;
    for bank in clients {
        let soon = Context::default().with_deadline(Timestamp::now() + SignedDuration::from_millis(300));
        let error = soon.scope(async { bank.hold().await.unwrap_err() }).await;
        // Whoever's clock is first: ours, or the service's.
        let late = matches!(&error, CallError::Deadline { .. }) || error.problem().is_some_and(|problem| problem.status() == 504);
        assert!(late, "{error:?}");
        until("the work has ended", || watch.held.load(Ordering::SeqCst) == 0).await;
    }
    assert_eq!(watch.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_call_that_is_dropped_is_dropped_at_the_service() {
    let watch = Watch::default();
    let (_app, clients) = both(&watch).await;
    for bank in clients {
        let call = tokio::spawn(async move { bank.hold().await });
        until("the request is held", || watch.held.load(Ordering::SeqCst) == 1).await;
        call.abort();
        until("the work has ended", || watch.held.load(Ordering::SeqCst) == 0).await;
    }
}

#[tokio::test]
async fn connections_are_closed_when_the_last_client_is_gone() {
    let app = serve(&Watch::default()).await;
    let bank = over_port(&app);
    let calls = (0..8).map(|_| bank.charge(1, None));
    futures_util::future::join_all(calls).await.into_iter().for_each(|charged| drop(charged.unwrap()));
    assert!((1..=8).contains(&app.http_connections()), "{}", app.http_connections());
    let clone = bank.clone();
    drop(bank);
    clone.charge(1, None).await.unwrap();
    drop(clone);
    until("every connection is closed", || app.http_connections() == 0).await;
}
