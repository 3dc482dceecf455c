//! Over HTTP/1.1: axum as one writes it by hand, and a service of comms. Both log a line for no request, both read and write JSON.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Path;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use comms::config::Config;
use comms::http::Body;
use comms::{App, AppBuilder, service};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::contest::Contestant;
use crate::order::Order;

/// axum's router.
pub fn axum_router() -> Router {
    Router::new().route("/orders/{id}", post(|Path(id): Path<u64>, Json(order): Json<Order>| async move { Json(Order { id, ..order }) }))
}

/// axum on a port.
pub async fn axum() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    // As the documentation of axum advises where latency matters.
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true)));
    tokio::spawn(async move { axum::serve(listener, axum_router()).await.expect("it serves") });
    address
}

/// The service of comms.
#[service(name = "orders", version = "1.0.0")]
pub struct Orders;

#[service]
impl Orders {
    #[comms::post("/orders/{id}")]
    async fn put(&self, id: u64, order: Order) -> Order {
        Order { id, ..order }
    }
}

/// comms, with this under `[http]`.
pub async fn comms(http: &str) -> App {
    let config = Config::from_toml(&format!("[http]\n{http}\n")).expect("a configuration");
    AppBuilder::new("bench").service::<Orders>().route::<__comms_Orders_put>().config(config).start().await.expect("it starts")
}

/// Asks in this very process, through the router alone.
pub fn in_process_axum() -> impl AsyncFn() {
    let router = axum_router();
    async move || {
        let request = request("/orders/7").map(axum::body::Body::new);
        let answer: Result<_, Infallible> = router.clone().oneshot(request).await;
        check(answer.expect("it never fails").into_body()).await;
    }
}

/// Asks in this very process.
pub fn in_process_comms(app: Arc<App>) -> impl AsyncFn() {
    async move || {
        let answer = app.answer(request("/orders/7").map(Body::new)).await;
        check(answer.into_body()).await;
    }
}

/// Calls the address with hyper's client.
pub fn calling(name: &'static str, address: SocketAddr) -> Contestant {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let url = format!("http://{address}/orders/7");
    Contestant::new(name, move || {
        let answering = client.request(request(&url));
        async move { check(answering.await.expect("an answer").into_body()).await }
    })
}

fn request(uri: &str) -> Request<Full<Bytes>> {
    let body = serde_json::to_vec(&Order::new()).expect("JSON");
    Request::post(uri).header(CONTENT_TYPE, "application/json").body(Full::new(body.into())).expect("a request")
}

async fn check<B: hyper::body::Body<Error: std::fmt::Debug>>(body: B) {
    let bytes = body.collect().await.expect("a whole answer").to_bytes();
    let order: Order = serde_json::from_slice(&bytes).expect("an order");
    assert_eq!(order.id, 7);
}
