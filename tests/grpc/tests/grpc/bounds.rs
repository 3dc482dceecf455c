//! Deadlines, callers that go away, and back-pressure.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll};
use std::time::{Duration, Instant};

use comms::grpc::tonic::body::Body;
use comms::grpc::{Client, Code};
use comms::http::Request;
use comms::{Class, Classify, Context};
use comms_grpc_tests::proto::shop::inventory::v1::{Delivery, InventoryClient, InventoryServer, Offer, WatchRequest};
use comms_grpc_tests::serving::{OverTonic, PATIENCE, Serving, until};
use comms_grpc_tests::stock::Stock;
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tower_service::Service;

use super::raw::{Raw, framed};
use super::{article, delivery, reserve, watch};

const SOON: Duration = Duration::from_millis(150);

fn hurried(serving: &Serving) -> OverTonic {
    InventoryClient::from(Client::new(serving.channel()).timeout(SOON))
}

#[tokio::test]
async fn a_deadline_stops_the_handler_and_its_caller() {
    let serving = Serving::start();
    let begun = Instant::now();
    let error = hurried(&serving).reserve(reserve("slow", 1)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::DeadlineExceeded, Class::Unknown), "{error}");
    assert!(begun.elapsed() >= SOON && begun.elapsed() < PATIENCE);
    assert_eq!(serving.seen.begun.load(Ordering::SeqCst), 1);
    until("handlers at work", &serving.seen.at_work, |count| count == 0).await;
}

#[tokio::test]
async fn a_deadline_ends_a_stream_of_answers_on_both_sides() {
    let serving = Serving::start();
    let mut levels = hurried(&serving).watch(watch("endless", 2)).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    assert!(levels.message().await.unwrap().is_some());
    assert_eq!(levels.message().await.unwrap_err().code(), Code::DeadlineExceeded);
    until("handlers at work", &serving.seen.at_work, |count| count == 0).await;
}

/// The client writes the header as bytes and keeps no clock at all.
#[tokio::test]
async fn the_server_keeps_the_deadline_by_itself() {
    let serving = Serving::start();
    let client = Raw::connect(serving.address).await;
    for (method, request, messages) in [("Watch", framed(&watch("endless", 1)), 1), ("Reserve", framed(&reserve("slow", 1)), 0)] {
        let first = Instant::now();
        loop {
            let (begun, handlers) = (Instant::now(), serving.seen.begun.load(Ordering::SeqCst));
            let mut call = client.call(method, &[("grpc-timeout", "150m")]).await;
            call.send(&request, true);
            let answer = call.answer().await;
            let code = (answer.code, answer.message.as_str());
            assert_eq!(code, (Some(Code::DeadlineExceeded), "the deadline of the call passed before it was answered"), "{method}");
            until("handlers at work", &serving.seen.at_work, |count| count == 0).await;
            // On a machine that is busy with other things the time may be over before the handler has had its turn: once more then.
            if answer.messages < messages || serving.seen.begun.load(Ordering::SeqCst) == handlers {
                assert!(first.elapsed() < PATIENCE, "{method}: nothing came before the deadline in {PATIENCE:?}");
                continue;
            }
            assert_eq!(answer.messages, messages, "{method}");
            // Told by the server itself: when the handler was dropped.
            let took = serving.seen.ended.lock().unwrap().expect("the handler was dropped") - begun;
            assert!(took >= SOON && took < SOON + PATIENCE / 4, "{method}: {took:?}");
            break;
        }
    }
}

#[tokio::test]
async fn a_call_after_the_deadline_is_not_made() {
    let serving = Serving::start();
    let past = Timestamp::now() - SignedDuration::from_secs(1);
    let client = serving.client();
    let call = Context::default().with_deadline(past).scope(client.reserve(reserve("chair", 1)));
    assert_eq!(call.await.unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(serving.seen.begun.load(Ordering::SeqCst), 0);
    // Nothing is sent, also where it would be answered at once.
    let sent = Arc::new(AtomicUsize::new(0));
    let client = InventoryClient::new(Counted { sent: Arc::clone(&sent), server: InventoryServer::new(Stock::default()) });
    let call = Context::default().with_deadline(past).scope(client.reserve(reserve("chair", 1)));
    assert_eq!(call.await.unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(sent.load(Ordering::SeqCst), 0);
    client.reserve(reserve("chair", 1)).await.unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_call_whose_time_is_over_when_it_comes_is_not_begun() {
    let serving = Serving::start();
    let client = Raw::connect(serving.address).await;
    let mut call = client.call("Reserve", &[("grpc-timeout", "0n")]).await;
    call.send(&framed(&reserve("chair", 1)), true);
    assert_eq!(call.answer().await.code, Some(Code::DeadlineExceeded));
    assert_eq!(serving.seen.begun.load(Ordering::SeqCst), 0);
}

/// A server in this process that counts what it is sent.
#[derive(Clone)]
struct Counted {
    sent: Arc<AtomicUsize>,
    server: InventoryServer<Stock>,
}

impl Service<Request<Body>> for Counted {
    type Response = <InventoryServer<Stock> as Service<Request<Body>>>::Response;
    type Error = <InventoryServer<Stock> as Service<Request<Body>>>::Error;
    type Future = <InventoryServer<Stock> as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<Body>>::poll_ready(&mut self.server, task)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.sent.fetch_add(1, Ordering::SeqCst);
        self.server.call(request)
    }
}

#[tokio::test]
async fn dropping_a_call_drops_its_handler() {
    let serving = Serving::start();
    let client = serving.client();
    let calls: Vec<_> = (0..10)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.reserve(reserve("slow", 1)).await }
            })
        })
        .collect();
    until("handlers at work", &serving.seen.at_work, |count| count == 10).await;
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    until("handlers at work", &serving.seen.at_work, |count| count == 0).await;
}

#[tokio::test]
async fn dropping_a_stream_of_answers_drops_what_makes_them() {
    let serving = Serving::start();
    let client = serving.client();
    let mut levels = client.watch(watch("endless", 1)).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    let offers = stream::iter([Offer::default()]).chain(stream::pending());
    let mut answers = client.haggle(offers).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    until("handlers at work", &serving.seen.at_work, |count| count == 2).await;
    drop((levels, answers));
    until("handlers at work", &serving.seen.at_work, |count| count == 0).await;
}

/// tonic alone tells the handler that such a stream has ended well.
#[tokio::test]
async fn half_a_stream_of_requests_is_not_taken_for_the_whole() {
    let serving = Serving::start();
    for round in 0..20 {
        let (client, sent) = (serving.client(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&sent);
        let half = stream::iter([delivery("chair", 1)])
            .inspect(move |_| {
                counter.fetch_add(1, Ordering::SeqCst);
            })
            .chain(stream::pending());
        let call = tokio::spawn(async move { client.receive(half).await });
        until("handlers begun", &serving.seen.begun, |count| count == round + 1).await;
        call.abort();
        until("handlers at work", &serving.seen.at_work, |count| count == 0).await;
    }
    assert_eq!(serving.seen.whole.load(Ordering::SeqCst), 0);
}

const LARGE: u32 = 64 * 1024;
const MANY: u32 = 1000;

#[tokio::test]
async fn a_caller_that_does_not_read_stops_the_stream_of_answers() {
    let serving = Serving::start();
    let request = WatchRequest { article: article("chair"), count: MANY, padding: LARGE };
    let mut levels = serving.client().watch(request).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    let produced = settled(&serving.seen.produced).await;
    assert!(produced > 0 && produced < MANY as usize / 4, "{produced} of {MANY} answers were made for nobody");
    assert_eq!(levels.count().await, MANY as usize - 1);
}

#[tokio::test]
async fn a_handler_that_does_not_read_stops_the_stream_of_requests() {
    let serving = Serving::start();
    let (client, sent) = (serving.client(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&sent);
    let deliveries = stream::iter(0..MANY).map(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Delivery { article: article("slow"), quantity: 1, padding: vec![7; LARGE as usize] }
    });
    let call = tokio::spawn(async move { client.receive(deliveries).await });
    until("handlers at work", &serving.seen.at_work, |count| count == 1).await;
    let sent = settled(&sent).await;
    assert!(sent > 0 && sent < MANY as usize / 4, "{sent} of {MANY} requests were sent to nobody");
    call.abort();
}

/// The number once it has stood still for a while.
async fn settled(number: &AtomicUsize) -> usize {
    let mut before = usize::MAX;
    loop {
        let now = number.load(Ordering::SeqCst);
        if now == before {
            return now;
        }
        before = now;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
