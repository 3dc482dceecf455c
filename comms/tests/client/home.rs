//! A client of what its own process serves: no address, no port.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use comms::client::{CallError, Channel, Client, ClientDecl, ClientKind, Settings};
use comms::config::Config;
use comms::http::{Body, Location, Problem};
use comms::inject::{InjectError, Scope};
use comms::{AppBuilder, Context};
use http_body_util::BodyExt as _;
use hyper::Request;

use crate::bank::{Bank, BankClient, Watch, app};
use crate::peer::{Peer, until};

/// The bank, which says that it answers its contract.
fn bank(watch: &Watch) -> AppBuilder {
    app(watch).contract::<Bank>("bank").client::<BankClient>()
}

fn without_ports() -> Config {
    Config::from_toml("[http]\nenabled = false\n").unwrap()
}

#[tokio::test]
async fn a_client_of_what_its_own_process_serves_needs_neither_address_nor_port() {
    let app = bank(&Watch::default()).config(without_ports()).start().await.unwrap();
    assert_eq!(app.http_address(), None);
    let client = app.get::<BankClient>().unwrap();
    assert_eq!(client.charge(7, Some("t")).await.unwrap().tenant.as_deref(), Some("t"));
    assert!(matches!(client.charge(0, None).await, Err(CallError::Refused(crate::bank::ChargeError::Closed, _))));
    assert!(format!("{:?}", client.0).contains("this process"));
}

#[tokio::test]
async fn an_address_that_is_given_wins() {
    let (watch, peer) = (Watch::default(), Peer::of_json(r#"{"id":7,"cents":99,"tenant":null,"tags":[]}"#).await);
    let config = Config::from_toml(&format!("[http]\nenabled = false\n[clients.bank]\naddresses = [\"{}\"]\n", peer.url())).unwrap();
    let app = bank(&watch).config(config).start().await.unwrap();
    assert_eq!(app.get::<BankClient>().unwrap().charge(1, None).await.unwrap().cents, 99);
    assert_eq!((peer.seen.requests().len(), watch.asked.load(Ordering::SeqCst)), (1, 0));
}

#[tokio::test]
async fn instances_that_are_given_win_over_both() {
    let (watch, peer) = (Watch::default(), Peer::of_json(r#"{"id":7,"cents":99,"tenant":null,"tags":[]}"#).await);
    let known: Arc<[comms::client::Instance]> = Arc::new([comms::client::Instance::at(&peer.url()).unwrap()]);
    let config = Config::from_toml("[http]\nenabled = false\n[clients.bank]\naddresses = [\"http://127.0.0.1:9\"]\n").unwrap();
    let app = bank(&watch).instances("bank", known).config(config).start().await.unwrap();
    assert_eq!(app.get::<BankClient>().unwrap().charge(1, None).await.unwrap().cents, 99);
    assert_eq!(watch.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_deadline_and_the_context_go_along_and_what_is_late_is_dropped() {
    let watch = Watch::default();
    let app = bank(&watch).config(without_ports()).start().await.unwrap();
    let client = app.get::<BankClient>().unwrap();
    let deadline = jiff::Timestamp::now() + Duration::from_secs(7);
    let context = Context::default().with_correlation(comms::message::Id::parse("order-17")).with_deadline(deadline);
    let arrived = context.scope(client.context()).await.unwrap();
    assert_eq!(arrived.correlation.as_deref(), Some("order-17"));
    assert!(arrived.left_ms.is_some_and(|left| left > 0 && left <= 7000), "{arrived:?}");

    let mut call = client.0.begin(&crate::bank::HOLD);
    call.timeout(Duration::from_millis(300));
    let error = call.send::<(), Problem>().await.unwrap_err();
    assert!(matches!(&error, CallError::Deadline { .. } | CallError::Problem { .. }), "{error:?}");
    assert_eq!(watch.asked.load(Ordering::SeqCst), 2);
    until("the work on it is dropped", || watch.held.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn streams_go_both_ways_piece_by_piece() {
    let (send, pieces) = tokio::sync::mpsc::channel::<Result<hyper::body::Frame<bytes::Bytes>, std::io::Error>>(1);
    // Answers with the body of the request, as it comes.
    let echo = tower::service_fn(|request: Request<Body>| async {
        Ok::<_, std::convert::Infallible>(comms::http::Response::new(request.into_body()))
    });
    let app = AppBuilder::new("echo").merge(echo).client::<Raw>().contract::<Bank>("raw");
    let app = app.service::<Bank>().provide(Watch::default()).config(without_ports()).start().await.unwrap();
    let Raw(channel) = app.get::<Raw>().unwrap();
    let body = Body::new(http_body_util::StreamBody::new(futures_util::stream::unfold(pieces, |mut pieces| async {
        Some((pieces.recv().await?, pieces))
    })));
    let mut answer = channel.send(Request::post("/echo").body(body).unwrap()).await.unwrap().into_body();
    for piece in ["one", "two", "three"] {
        // Nothing more is sent before this piece has come back.
        send.send(Ok(hyper::body::Frame::data(piece.into()))).await.unwrap();
        let frame = tokio::time::timeout(crate::peer::PATIENCE, answer.frame()).await.expect("it comes back at once");
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), piece);
    }
    // Whoever reads no more lets go of the request's stream as well.
    drop(answer);
    tokio::time::timeout(crate::peer::PATIENCE, send.closed()).await.expect("the stream of the request is dropped");
}

/// The channel itself.
#[derive(Clone)]
struct Raw(Channel);

impl Client for Raw {
    const DECL: ClientDecl = ClientDecl::new("raw", ClientKind::Http, "raw", Location::new(file!(), line!()));

    fn over(channel: Channel, _: Settings) -> Self {
        Self(channel)
    }
}

/// A value that calls while the application is being made.
#[derive(Clone)]
struct Hasty(Arc<str>);

struct MakeHasty;

impl comms::inject::Provider for MakeHasty {
    type Value = Hasty;
    type Args = (BankClient,);
    const DECL: comms::inject::ProviderDecl = comms::inject::ProviderDecl::new("hasty", Location::new(file!(), line!()));

    fn inject(scope: &Scope) -> Result<Self::Args, InjectError> {
        Ok((scope.get()?,))
    }

    async fn provide((client,): Self::Args) -> Result<Hasty, comms::BoxError> {
        let error = client.charge(1, None).await.expect_err("nobody answers yet");
        assert!(matches!(&error, CallError::Unreachable { .. }), "{error:?}");
        Ok(Hasty(error.to_string().into()))
    }
}

#[tokio::test]
async fn a_call_before_the_start_says_what_to_do() {
    let watch = Watch::default();
    let app = bank(&watch).provider::<MakeHasty>().config(without_ports()).start().await.unwrap();
    let Hasty(text) = app.get::<Hasty>().unwrap();
    assert!(text.contains("its services are still being made") && text.contains("in a task of `Tasks`"), "{text}");
    assert_eq!(watch.asked.load(Ordering::SeqCst), 0);
    // The same client answers once the application runs.
    assert_eq!(app.get::<BankClient>().unwrap().charge(7, None).await.unwrap().cents, 7);
}

#[tokio::test]
async fn a_client_that_outlives_its_application_is_told_so() {
    let app = bank(&Watch::default()).config(without_ports()).start().await.unwrap();
    let client: BankClient = app.get().unwrap();
    app.shutdown().await;
    let error = client.charge(1, None).await.unwrap_err();
    assert!(error.to_string().contains("the application has stopped"), "{error}");
}
