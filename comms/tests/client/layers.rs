//! Layers of tower around the channels of clients: what they are told, what they may do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use comms::client::{CallError, CallInfo, Channel, HttpCaller, Instance, Settings, TransportError, TransportErrorKind};
use comms::config::ClientConfig;
use comms::http::{Body, Location, Problem, Response, RouteDecl, Verb};
use comms::{AppBuilder, BoxError, Class, Classify as _};
use futures_util::future::join_all;
use hyper::Request;
use tower::limit::{ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer};
use tower::{Layer, Service};

use crate::addresses::{ECHO, echo};
use crate::around::{Telling, Told, each, retries};
use crate::bank::{BankClient, Watch, app};
use crate::peer::{Act, Peer, ok, until};

fn caller(channel: Channel) -> HttpCaller {
    HttpCaller::new(channel, Settings::of("bank", &ClientConfig::default()))
}

fn channel(peer: &Peer) -> Channel {
    Channel::of("bank", &peer.config()).unwrap()
}

/// A peer that closes the first connection without a word.
async fn moody() -> Peer {
    let asked = AtomicUsize::new(0);
    Peer::start(move |_| if asked.fetch_add(1, Ordering::SeqCst) == 0 { Act::Close } else { Act::Send(ok("1")) }).await
}

const fn route(verb: Verb) -> RouteDecl {
    RouteDecl::new(verb, "/echo", "echo", Location::new(file!(), line!()))
}

#[tokio::test]
async fn a_retry_layer_repeats_exactly_what_may_be_repeated() {
    let keyed = route(Verb::Post).idempotency_key();
    for (route, repeated) in [
        (route(Verb::Post), false),
        (route(Verb::Patch), false),
        (route(Verb::Post).idempotent(), true),
        (keyed, true),
        (route(Verb::Get), true),
        (route(Verb::Put), true),
        (route(Verb::Delete), true),
    ] {
        let peer = moody().await;
        let caller = caller(channel(&peer).layered(retries(2)));
        let mut call = caller.begin(&route);
        call.json("text");
        if route.idempotency_key {
            call.idempotency_key(None);
        }
        let answered = call.send::<u32, Problem>().await;
        let asked = peer.seen.requests();
        assert_eq!(asked.len(), if repeated { 2 } else { 1 }, "{route:?}: {asked:?}");
        assert!(asked.iter().all(|request| request.ends_with("\r\n\r\n\"text\"") && *request == asked[0]), "{asked:?}");
        match answered {
            Ok(1) if repeated => {}
            Err(CallError::Broken { .. }) if !repeated => {}
            other => panic!("{route:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn retries_end_with_the_last_error() {
    let peer = Peer::start(|_| Act::Close).await;
    let error = caller(channel(&peer).layered(retries(3))).begin(&route(Verb::Get)).send::<u32, Problem>().await.unwrap_err();
    assert!(matches!(&error, CallError::Broken { .. }) && error.to_string().contains(&peer.url()), "{error}");
    assert_eq!(peer.seen.requests().len(), 4);
}

#[tokio::test]
async fn a_body_that_is_a_stream_is_not_repeatable() {
    let (peer, told) = (Peer::of_json("1").await, Told::default());
    let caller = caller(channel(&peer).layered(told.clone()));
    let mut call = caller.begin(&route(Verb::Put));
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(hyper::body::Frame::data(Bytes::from_static(b"1")))]);
    call.body(hyper::header::HeaderValue::from_static("text/plain"), Body::new(http_body_util::StreamBody::new(pieces)));
    // The peer of this test reads no chunks.
    drop(call.send::<u32, Problem>().await);
    let info = told.last();
    assert!((info.idempotent, info.whole, info.is_repeatable()) == (true, false, false), "{info:?}");
}

#[tokio::test]
async fn a_concurrency_limit_holds_calls_back_within_their_time() {
    let watch = Watch::default();
    let bank = app(&watch).start().await.unwrap();
    let client = BankClient(caller(bank.channel().layered(ConcurrencyLimitLayer::new(2))));
    let held: Vec<_> = (0..2)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.hold().await }
            })
        })
        .collect();
    until("two are held", || watch.held.load(Ordering::SeqCst) == 2).await;
    let mut late = client.0.begin(&crate::bank::HOLD);
    late.timeout(Duration::from_millis(100));
    let error = late.send::<(), Problem>().await.unwrap_err();
    assert!(matches!(&error, CallError::Deadline { .. }), "{error:?}");
    assert_eq!(watch.asked.load(Ordering::SeqCst), 2, "the third was not let through");
    held.into_iter().for_each(|held| held.abort());
    until("none is held", || watch.held.load(Ordering::SeqCst) == 0).await;
    // What was waited for, and given up, is free again.
    let waiting: Vec<_> = (0..8)
        .map(|cents| {
            let client = client.clone();
            async move { client.charge(cents + 1, None).await.unwrap().cents }
        })
        .collect();
    assert_eq!(join_all(waiting).await, (1..=8).collect::<Vec<u64>>());
}

#[tokio::test]
async fn what_a_layer_says_is_what_the_caller_reads() {
    let (peer, sent) = (Peer::of_json("1").await, Arc::new(AtomicUsize::new(0)));
    let open = each(|_| Err(TransportError::withheld("bank", "the breaker is open for 3s").into()));
    let error = echo(&caller(channel(&peer).layered(open)), "x").await.unwrap_err();
    assert!(matches!(&error, CallError::Unreachable { source, .. } if source.kind() == TransportErrorKind::Withheld), "{error:?}");
    assert_eq!(error.class(), Class::Retryable);
    assert_eq!(error.to_string(), "`echo` of `bank` (POST /echo) was not called: `bank` was not asked: the breaker is open for 3s");

    let counted = Arc::clone(&sent);
    let broken = each(move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        drop(request);
        Err("out of luck".into())
    });
    let error = echo(&caller(channel(&peer).layered(broken)), "x").await.unwrap_err();
    assert!(matches!(&error, CallError::Broken { .. }) && error.class() == Class::Unknown, "{error:?}");
    assert!(error.to_string().contains("a layer of the client `bank` failed: out of luck"), "{error}");
    assert_eq!((sent.load(Ordering::SeqCst), peer.seen.requests().len()), (1, 0));
}

#[tokio::test]
async fn a_layer_may_choose_the_instance() {
    let peers = [Peer::of_json("1").await, Peer::of_json("2").await, Peer::of_json("3").await];
    let config = crate::peer::at(&peers.each_ref().map(Peer::url));
    let chosen = Instance::at(&peers[1].url()).unwrap();
    let channel = Channel::of("bank", &config).unwrap().layered(each(move |mut request| {
        request.extensions_mut().insert(chosen.clone());
        Ok(request)
    }));
    let caller = caller(channel);
    for _ in 0..6 {
        assert_eq!(echo(&caller, "x").await.unwrap(), 2);
    }
}

#[tokio::test]
async fn layers_are_told_of_the_call_and_the_service_is_not() {
    let told = Told::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::clone(&seen);
    let service = tower::service_fn(move |request: Request<Body>| {
        inside.lock().unwrap().push(request.extensions().get::<CallInfo>().is_some());
        async { Ok::<_, std::convert::Infallible>(Response::new(Body::from("1"))) }
    });
    let caller = caller(Channel::local(service).layered(told.clone()));
    echo(&caller, "x").await.unwrap();
    let info = told.last();
    assert_eq!((info.client, info.method, info.idempotent, info.idempotency_key, info.whole), ("bank", "echo", false, false, true));
    assert_eq!(*seen.lock().unwrap(), [false]);
}

#[tokio::test]
async fn a_channel_without_layers_is_told_nothing() {
    let told = Told::default();
    let service = Telling {
        told: told.clone(),
        inner: tower::service_fn(|_| async { Ok::<_, std::convert::Infallible>(Response::new(Body::from("1"))) }),
    };
    echo(&caller(Channel::local(service)), "x").await.unwrap();
    assert_eq!(*told.0.lock().unwrap(), [None]);
}

/// Adds a letter to a header on the way in: the outermost layer comes first.
fn letter(
    sign: &'static str,
) -> impl Layer<Channel, Service: Service<Request<Body>, Response = Response, Error = BoxError, Future: Send> + Clone + Send + Sync + 'static>
+ Send
+ Sync
+ 'static {
    each(move |mut request| {
        let so_far = request.headers().get("x-tenant").map_or("", |value| value.to_str().unwrap());
        let value = format!("{so_far}{sign}").parse().unwrap();
        request.headers_mut().insert("x-tenant", value);
        Ok(request)
    })
}

#[tokio::test]
async fn the_layers_of_an_application_are_around_the_channel_that_it_makes() {
    let bank = app(&Watch::default()).start().await.unwrap();
    let shop = AppBuilder::new("shop").client_over::<BankClient>(bank.channel());
    let shop = shop.layer_clients(letter("a")).layer_client("bank", letter("b")).layer_clients(letter("c"));
    let shop = shop.start().await.unwrap();
    let client = shop.get::<BankClient>().unwrap();
    assert_eq!(client.charge(1, None).await.unwrap().tenant.as_deref(), Some("cba"));
}

#[tokio::test]
async fn a_layer_of_all_clients_that_is_shared_is_one_for_all() {
    let watch = Watch::default();
    let bank = app(&watch).start().await.unwrap();
    let shop = AppBuilder::new("shop").client_over::<BankClient>(bank.channel()).layer_clients(GlobalConcurrencyLimitLayer::new(1));
    let client = shop.start().await.unwrap().get::<BankClient>().unwrap();
    let held = tokio::spawn({
        let client = client.clone();
        async move { client.hold().await }
    });
    until("one is held", || watch.held.load(Ordering::SeqCst) == 1).await;
    let mut late = client.0.begin(&ECHO);
    late.timeout(Duration::from_millis(50));
    assert!(matches!(late.send::<(), Problem>().await, Err(CallError::Deadline { .. })));
    held.abort();
}

#[tokio::test]
async fn a_layer_of_a_client_that_is_not_there_keeps_the_application_from_starting() {
    let bank = app(&Watch::default()).start().await.unwrap();
    let shop = AppBuilder::new("shop").client_over::<BankClient>(bank.channel());
    let nobody: Arc<[Instance]> = Arc::new([]);
    let error = shop.layer_client("banc", letter("a")).instances("vault", nobody).start().await.unwrap_err();
    let found = error.problems();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(found[0], "`instances`: there is no client `vault`; known: `bank`");
    assert_eq!(found[1], "`layer_client`: there is no client `banc`; did you mean `bank`? (known: `bank`)");
}

#[cfg(feature = "grpc")]
mod grpc {
    use comms::grpc::{Client, Code};
    use http_body_util::{BodyExt as _, Full};

    use super::*;

    /// A server that says `Unavailable` to its first call, without a connection, and answers nothing to the others.
    fn client(told: &Told, fails: usize) -> (Client<Channel>, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let moody = each(move |request| match counted.fetch_add(1, Ordering::SeqCst) {
            asked if asked < fails => Err(TransportError::withheld("stock", "not now").into()),
            _ => Ok(request),
        });
        let server = tower::service_fn(|request: Request<Body>| async move {
            drop(request.into_body().collect().await);
            let answer = Full::new(Bytes::from_static(&[0; 5]))
                .with_trailers(async { Some(Ok(hyper::HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]))) });
            let response = hyper::Response::builder().header("content-type", "application/grpc").body(answer).unwrap();
            Ok::<_, std::convert::Infallible>(response)
        });
        let channel = Channel::local(server).layered(moody).layered(retries(2)).layered(told.clone());
        (Client::over(channel, Settings::of("stock", &ClientConfig::default())), asked)
    }

    const RESERVE: &str = "/shop.Stock/Reserve";

    #[tokio::test]
    async fn a_retry_layer_repeats_the_idempotent_calls_of_grpc_and_no_others() {
        let told = Told::default();
        let (client, asked) = client(&told, 1);
        let error = client.unary::<(), ()>(RESERVE, ()).await.unwrap_err();
        assert_eq!((error.code(), asked.load(Ordering::SeqCst)), (Code::Unavailable, 1), "{error}");
        let info = told.last();
        assert_eq!((info.client, info.method, info.idempotent, info.whole), ("stock", RESERVE, false, true));

        let (client, asked) = self::client(&told, 1);
        client.idempotent().unary::<(), ()>(RESERVE, ()).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert!(told.last().is_repeatable());
    }

    #[tokio::test]
    async fn a_stream_of_requests_is_not_repeatable() {
        let told = Told::default();
        let (client, asked) = client(&told, 1);
        let streamed = client.idempotent().client_streaming::<(), ()>(RESERVE, futures_util::stream::iter([(), ()])).await;
        assert_eq!((streamed.unwrap_err().code(), asked.load(Ordering::SeqCst)), (Code::Unavailable, 1));
        assert!(told.last().idempotent && !told.last().is_repeatable());
    }
}
