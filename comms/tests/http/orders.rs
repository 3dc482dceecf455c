//! A service with a route of each kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use comms::http::{
    Answered, Arguments, FromRequestParts, HeaderMap, HttpError, IntoResponse, Location, ParameterDecl, Parts, Place, Problem, Response,
    Route, RouteDecl, StatusCode, Verb,
};
use comms::testing::{TestApp, TestAppBuilder};
use comms::{AppBuilder, BoxError, Class, Classified, Classify, Context, Failure, Publisher, event, service};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

#[event(name = "orders.placed", version = 1, topic = "orders", schema = false)]
#[derive(Clone, Debug, PartialEq)]
pub struct OrderPlaced {
    pub item: String,
}

/// What tests watch and steer the routes by.
#[derive(Clone, Debug)]
pub struct Gate {
    /// A request to `/hold` takes one, and waits for it.
    pub permits: Arc<Semaphore>,
    /// How many are waiting there.
    pub waiting: Arc<AtomicUsize>,
}

impl Gate {
    pub fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(0)), waiting: Arc::default() }
    }

    /// Waits until so many requests are held.
    pub async fn held(&self, count: usize) {
        crate::client::until(&format!("{count} requests are held"), || self.waiting.load(Ordering::SeqCst) == count).await;
    }
}

#[service(name = "orders", version = "1.0.0")]
pub struct Orders {
    placed: Publisher<OrderPlaced>,
    gate: Gate,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct NewOrder {
    pub item: String,
    pub count: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub id: u64,
    pub item: String,
}

/// Says itself what the client is told.
#[derive(Debug, thiserror::Error)]
#[error("there is no order {0}")]
pub struct NoSuchOrder(u64);

impl HttpError for NoSuchOrder {
    fn problem(&self) -> Problem {
        Problem::new(404).code("no-such-order").detail(self.to_string()).with("order", self.0)
    }
}

/// Says nothing but its class.
#[derive(Debug, thiserror::Error)]
#[error("only as many as there are")]
pub struct TooMany;

impl Classify for TooMany {
    fn class(&self) -> Class {
        Class::Permanent
    }
}

/// Refuses everybody.
pub struct Nobody;

impl FromRequestParts<()> for Nobody {
    type Rejection = Response;

    async fn from_request_parts(_: &mut Parts, _: &()) -> Result<Self, Response> {
        Err((StatusCode::UNAUTHORIZED, [("www-authenticate", "Bearer")], "who are you?").into_response())
    }
}

macro_rules! route {
    ($(#[$meta:meta])* $name:ident = $decl:expr; |$service:ident, $arguments:ident| $body:expr) => {
        $(#[$meta])*
        pub struct $name;

        impl Route for $name {
            type Service = Orders;
            const DECL: RouteDecl = $decl;

            async fn call($service: Arc<Orders>, mut $arguments: Arguments) -> Answered {
                let _ = (&$service, &mut $arguments);
                comms::__answered!(Self::DECL.status, $body)
            }
        }
    };
}

const fn decl(verb: Verb, path: &'static str, name: &'static str) -> RouteDecl {
    RouteDecl::new(verb, path, name, Location::new(file!(), line!()))
}

route! { Find = decl(Verb::Get, "/orders/{id}", "find").parameters(&[ParameterDecl::new("id", Place::Path)]).doc("Finds an order.");
    |service, arguments| {
        let id: u64 = arguments.path("id")?;
        if id == 7 { Ok(Order { id, item: "seven".into() }) } else { Err(NoSuchOrder(id)) }
    }
}

route! { List = decl(Verb::Get, "/orders", "list");
    |service, arguments| {
        let customer: Option<String> = arguments.query("customer")?;
        let tags: Vec<String> = arguments.query("tag")?;
        let limit: Option<u8> = arguments.query("limit")?;
        let tenant: Option<String> = arguments.header("x-tenant")?;
        (customer, tags, limit, tenant)
    }
}

route! { Place1 = decl(Verb::Post, "/orders", "place").status(201).body_limit(1024);
    |service, arguments| {
        let order: NewOrder = arguments.json().await?;
        place(&service, order).await
    }
}

async fn place(service: &Orders, order: NewOrder) -> Result<Order, BoxError> {
    if order.count == 0 {
        return Err(Classified::permanent("order at least one").into());
    }
    service.placed.publish(&OrderPlaced { item: order.item.clone() }).await?;
    Ok(Order { id: 8, item: order.item })
}

route! { Remove = decl(Verb::Delete, "/orders/{id}", "remove");
    |service, arguments| {
        let _id: u64 = arguments.path("id")?;
        Ok::<(), Failure>(())
    }
}

route! { Fail = decl(Verb::Get, "/fail/{how}", "fail");
    |service, arguments| {
        let how: String = arguments.path("how")?;
        fail(&how)
    }
}

fn fail(how: &str) -> Result<(), BoxError> {
    Err(match how {
        "permanent" => Classified::permanent("no such customer").into(),
        "retryable" => Classified::retryable("the database at 10.0.0.7 is away").into(),
        "unknown" => Classified::unknown("hunter2").into(),
        "panic" => panic!("hunter2"),
        #[cfg(feature = "grpc")]
        "called" => comms::grpc::GrpcError::new(comms::grpc::Code::Unavailable, "hunter2").into(),
        _ => "hunter2".into(),
    })
}

route! { Refuse = decl(Verb::Put, "/orders/{id}", "refuse"); |service, arguments| Err::<Order, TooMany>(TooMany) }

route! { Files = decl(Verb::Get, "/files/{*path}", "files"); |service, arguments| arguments.path::<String>("path")? }

route! { Hang = decl(Verb::Get, "/hang", "hang").timeout(Duration::from_secs(5));
    |service, arguments| {
        std::future::pending::<()>().await;
    }
}

route! { Hold = decl(Verb::Get, "/hold", "hold");
    |service, arguments| {
        let held = Held::by(&service.gate);
        let permit = service.gate.permits.acquire().await.map(|permit| permit.forget());
        drop(held);
        permit.is_ok()
    }
}

/// Counts itself as waiting as long as it lives.
struct Held(Arc<AtomicUsize>);

impl Held {
    fn by(gate: &Gate) -> Self {
        gate.waiting.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(&gate.waiting))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a route sees of the context.
#[derive(Debug, Serialize, Deserialize)]
pub struct Seen {
    pub correlation: String,
    pub trace: String,
    pub has_deadline: bool,
}

route! { Look = decl(Verb::Get, "/context", "look");
    |service, arguments| {
        let context = Context::current();
        Seen {
            correlation: context.correlation().map(ToString::to_string).unwrap_or_default(),
            trace: context.trace().map(|trace| trace.to_string()).unwrap_or_default(),
            has_deadline: context.deadline().is_some(),
        }
    }
}

route! { Extract = decl(Verb::Get, "/extract", "extract"); |service, arguments| arguments.extract::<HeaderMap>().await?.len() }

route! { Reject = decl(Verb::Get, "/reject", "reject");
    |service, arguments| {
        let Nobody = arguments.extract::<Nobody>().await?;
    }
}

route! { Large = decl(Verb::Get, "/large", "large"); |service, arguments| "x".repeat(8 << 20) }

/// All of them.
pub fn app(gate: &Gate) -> AppBuilder {
    let app = AppBuilder::new("orders").provide(gate.clone()).service::<Orders>().message::<OrderPlaced>();
    let app = app.route::<Find>().route::<List>().route::<Place1>().route::<Remove>().route::<Fail>().route::<Refuse>();
    app.route::<Files>().route::<Hang>().route::<Hold>().route::<Look>().route::<Extract>().route::<Reject>().route::<Large>()
}

pub fn test() -> TestAppBuilder {
    TestApp::with(app(&Gate::new()))
}
