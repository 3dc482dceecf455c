//! HTTP, then gRPC, then a query over a broker, and back: the deadline and the context of the first request in all of them.
#![cfg(all(feature = "grpc", feature = "testing"))]

#[macro_use]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use comms::broker::memory::Memory;
use comms::client::{Channel, ClientDecl, ClientKind, Settings};
use comms::config::Config;
use comms::grpc::{Answer, Call, Client, Code, Descriptor, GrpcError, MethodDecl, Serves};
use comms::handler::{Free, HandlerDecl, Location, Observed, Observer, RequestHandler, ServiceDecl};
use comms::http::{Answered, Arguments, HttpError, Problem, Request as HttpRequest, Route, RouteDecl, Verb};
use comms::inject::{InjectError, Scope};
use comms::message::{MessageKind, MessageType, codec};
use comms::{App, AppBuilder, Class, Classify, Context, Query, QueryBus, Request, Service, handler::Happening};
use serde::{Deserialize, Serialize};

const HERE: Location = Location::new(file!(), line!());
const PATIENCE: Duration = Duration::from_secs(20);

/// What a hop knows when it begins.
#[derive(Clone, Debug)]
struct Hop {
    name: &'static str,
    left: Option<Duration>,
    correlation: Option<String>,
    trace: Option<u128>,
}

/// What each hop saw, and what became of the last one.
#[derive(Clone, Debug, Default)]
struct Watch {
    hops: Arc<Mutex<Vec<Hop>>>,
    /// Handlers at the end of the chain that were dropped before they were done.
    dropped: Arc<AtomicUsize>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Watch {
    fn see(&self, name: &'static str) {
        let context = Context::current();
        let correlation = context.correlation().map(ToString::to_string);
        let trace = context.trace().map(|trace| trace.trace_id());
        self.hops.lock().unwrap().push(Hop { name, left: context.time_left(), correlation, trace });
    }

    fn hops(&self) -> Vec<Hop> {
        self.hops.lock().unwrap().clone()
    }

    async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(Instant::now() < deadline, "never came: {what}; {self:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Observer for Watch {
    fn observe(&self, observed: Observed) {
        if let Happening::DeadLettered { reason, error } = &observed.happening {
            self.told.lock().unwrap().push(format!("{reason}: {error}"));
        }
    }
}

/// The first hop: answers HTTP, calls the second.
struct Edge {
    watch: Watch,
    middle: MiddleClient,
}

impl Service for Edge {
    const DECL: ServiceDecl = ServiceDecl::new("edge", "1.0.0", HERE);
    type Dependencies = (Watch, MiddleClient);

    fn build(scope: &Scope) -> Result<Self, InjectError> {
        Ok(Self { watch: scope.get()?, middle: scope.get()? })
    }
}

struct GetChain;

impl Route for GetChain {
    type Service = Edge;
    const DECL: RouteDecl = RouteDecl::new(Verb::Get, "/chain/{how}", "chain", HERE);

    async fn call(edge: Arc<Edge>, mut arguments: Arguments) -> Answered {
        let how: String = arguments.path("how")?;
        edge.watch.see("http");
        let answered = edge.middle.0.unary::<String, String>("/chain.Middle/Ask", how).await;
        comms::__answered!(200, answered.map_err(Down))
    }
}

/// The second hop did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the second hop did not answer: {0}")]
struct Down(GrpcError);

impl HttpError for Down {
    fn problem(&self) -> Problem {
        Problem::new(if self.0.code() == Code::DeadlineExceeded { 504 } else { 502 }).detail(self.0.to_string())
    }
}

/// A client of the second hop.
#[derive(Clone, Debug)]
struct MiddleClient(Client<Channel>);

impl comms::client::Client for MiddleClient {
    const DECL: ClientDecl = ClientDecl::new("middle", ClientKind::Grpc, "chain.Middle", HERE);

    fn over(channel: Channel, settings: Settings) -> Self {
        Self(Client::over(channel, settings))
    }
}

/// The second hop: answers gRPC, asks the third.
struct Middle {
    watch: Watch,
    bus: QueryBus,
}

impl Service for Middle {
    const DECL: ServiceDecl = ServiceDecl::new("middle", "1.0.0", HERE);
    type Dependencies = (Watch,);

    fn build(scope: &Scope) -> Result<Self, InjectError> {
        Ok(Self { watch: scope.get()?, bus: comms::inject::Injectable::inject(scope)? })
    }
}

struct MiddleDescriptor;

impl Descriptor for MiddleDescriptor {
    const NAME: &'static str = "chain.Middle";
    const METHODS: &'static [MethodDecl] = &[MethodDecl::unary("Ask")];
}

impl Serves<Middle> for MiddleDescriptor {
    async fn serve(service: Arc<Middle>, call: Call) -> Answer {
        call.unary(move |how: String| async move {
            service.watch.see("grpc");
            let asked = service.bus.ask(Last { how }).await;
            asked.map_err(|error| GrpcError::new(Code::Unknown, error.to_string()))
        })
        .await
    }
}

/// What the third hop is asked over the broker.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Last {
    how: String,
}

json_message!(Last, message_type!("chain.last", 1, Query, "queries.chain", Some("end"), "chain::Last"), |_| None);

impl Request for Last {
    type Reply = String;
    type Error = Never;
}

impl Query for Last {}

#[derive(Debug, Serialize, Deserialize, thiserror::Error)]
enum Never {}

impl Classify for Never {
    fn class(&self) -> Class {
        match *self {}
    }
}

struct OnLast;

impl RequestHandler for OnLast {
    type Service = Free;
    type Request = Last;
    type Args = (Watch,);
    const DECL: HandlerDecl = HandlerDecl::new("last", HERE);

    fn inject(scope: &Scope) -> Result<(Watch,), InjectError> {
        Ok((scope.get()?,))
    }

    async fn call(_: &Free, last: Last, (watch,): (Watch,)) -> Result<String, Never> {
        watch.see("query");
        if last.how == "hang" {
            let _dropped = Dropped(&watch);
            std::future::pending::<()>().await;
        }
        Ok(format!("done: {}", last.how))
    }
}

struct Dropped<'a>(&'a Watch);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// Three applications: two ports, and a broker.
struct Chain {
    edge: App,
    _middle: App,
    end: Option<App>,
    memory: Memory,
    watch: Watch,
}

fn end(memory: &Memory, watch: &Watch) -> AppBuilder {
    let app = AppBuilder::new("end").provide(watch.clone()).observer(Arc::new(watch.clone()));
    app.broker("default", Arc::new(memory.connect())).request_function::<OnLast>("end")
}

impl Chain {
    async fn start() -> Self {
        let (memory, watch) = (Memory::new(), Watch::default());
        let config = |more: &str| Config::from_toml(&format!("[http]\naddress = \"127.0.0.1:0\"\n{more}")).unwrap();
        let end = end(&memory, &watch).start().await.unwrap();
        let middle = AppBuilder::new("middle").provide(watch.clone()).service::<Middle>().grpc::<MiddleDescriptor, Middle>();
        let middle = middle.broker("default", Arc::new(memory.connect())).config(config("")).start().await.unwrap();
        let address = format!("[clients.middle]\naddresses = [\"http://{}\"]\n", middle.grpc_address().unwrap());
        let edge = AppBuilder::new("edge").provide(watch.clone()).service::<Edge>().route::<GetChain>().client::<MiddleClient>();
        let edge = edge.config(config(&address)).start().await.unwrap();
        Self { edge, _middle: middle, end: Some(end), memory, watch }
    }

    /// The status and the text of an answer, to a caller that waits so long.
    async fn ask(&self, how: &str, patience: Duration) -> (u16, String) {
        let address = format!("http://{}", self.edge.http_address().unwrap());
        let channel = Channel::of("edge", &comms::config::ClientConfig::at(address)).unwrap();
        let request = HttpRequest::get(format!("/chain/{how}"))
            .header("grpc-timeout", format!("{}m", patience.as_millis()))
            .header("x-request-id", "order-17")
            .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let response = channel.send(request.body(comms::http::Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

fn assert_one_conversation(hops: &[Hop]) {
    for hop in hops {
        assert_eq!(hop.correlation.as_deref(), Some("order-17"), "{hop:?}");
        assert_eq!(hop.trace, Some(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c), "{hop:?}");
    }
}

#[tokio::test]
async fn one_deadline_and_one_context_go_over_http_grpc_and_the_broker_and_back() {
    let chain = Chain::start().await;
    let (status, text) = chain.ask("well", Duration::from_secs(15)).await;
    assert_eq!((status, text.as_str()), (200, "\"done: well\""));
    let hops = chain.watch.hops();
    assert_eq!(hops.iter().map(|hop| hop.name).collect::<Vec<_>>(), ["http", "grpc", "query"]);
    assert_one_conversation(&hops);
    let left: Vec<Duration> = hops.iter().map(|hop| hop.left.expect("each hop has a deadline")).collect();
    assert!(left[0] < Duration::from_secs(15) && left[0] > left[1] && left[1] > left[2], "{left:?}");
    assert!(left[2] > Duration::ZERO, "{left:?}");
}

#[tokio::test]
async fn the_deadline_that_passes_stops_the_work_at_the_end_of_the_chain() {
    let chain = Chain::start().await;
    let begun = Instant::now();
    let (status, text) = chain.ask("hang", Duration::from_millis(700)).await;
    assert_eq!(status, 504, "{text}");
    assert!(text.contains("deadline"), "{text}");
    assert!(begun.elapsed() < PATIENCE / 2, "the handler's own timeout is 30 s");
    chain.watch.until("the last handler is dropped", |watch| watch.dropped.load(Ordering::SeqCst) == 1).await;
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    // The end of the chain says what it has stopped, and why.
    chain.watch.until("it is told", |watch| !watch.told.lock().unwrap().is_empty()).await;
    let told = chain.watch.told.lock().unwrap().clone();
    assert!(told[0].starts_with("expired: the deadline ") && told[0].contains("nobody waits for the result"), "{told:?}");
    assert_one_conversation(&chain.watch.hops());
}

#[tokio::test]
async fn work_whose_deadline_has_passed_is_never_begun() {
    let mut chain = Chain::start().await;
    // Nobody handles it in time: its handler is away, its subscription is not.
    let away = chain.end.take().unwrap();
    away.shutdown().await;
    let (begun, patience) = (Instant::now(), Duration::from_millis(500));
    let (status, text) = chain.ask("hang", patience).await;
    assert_eq!(status, 504, "{text}");
    // By the clock of the broker's message too, which was written a moment later.
    chain.watch.until("its deadline is over", |_| begun.elapsed() > patience * 2).await;
    let back = end(&chain.memory, &chain.watch).start().await.unwrap();
    chain.watch.until("it is told", |watch| !watch.told.lock().unwrap().is_empty()).await;
    let told = chain.watch.told.lock().unwrap().clone();
    assert!(told[0].starts_with("expired: the deadline "), "{told:?}");
    let names: Vec<&str> = chain.watch.hops().iter().map(|hop| hop.name).collect();
    assert_eq!(names, ["http", "grpc"], "the query was never begun");
    back.shutdown().await;
}
