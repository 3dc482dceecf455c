//! Over HTTP/1.1: axum as one writes it by hand, hyper and reqwest as its callers, and a contract of comms. None of them logs a line
//! for a request; all of them read and write JSON.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Path;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use comms::client::{Channel, Client as _, Settings};
use comms::config::{ClientConfig, Config};
use comms::http::Body;
use comms::{App, AppBuilder};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HeaderName};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;

use crate::Wiring;
use crate::contest::Contestant;
use crate::order::Order;
use crate::served::OrdersClient;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// axum's router.
pub fn axum_router() -> Router {
    Router::new().route("/orders/{id}", post(|Path(id): Path<u64>, Json(order): Json<Order>| async move { Json(Order { id, ..order }) }))
}

/// axum's router with some of what comms does for every request: an id, a timeout, panics caught.
pub fn layered_router() -> Router {
    axum_router()
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(hyper::StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(30)))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
}

/// The router on a port.
pub async fn axum(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    // As the documentation of axum advises where latency matters.
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true)));
    tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
    address
}

/// comms, with this under `[http]`.
pub async fn comms(http: &str) -> App {
    let config = Config::from_toml(&format!("[http]\n{http}\n")).expect("a configuration");
    AppBuilder::of::<Wiring>().config(config).start().await.expect("it starts")
}

/// Asks in this very process, through the router alone.
pub fn within(name: &'static str, router: Router) -> Contestant {
    Contestant::new(name, move || {
        let answering = router.clone().oneshot(request("/orders/7").map(axum::body::Body::new));
        async move {
            let Ok(answer) = answering.await;
            check(answer.into_body()).await;
        }
    })
}

/// Asks in this very process.
pub fn within_comms(app: Arc<App>) -> Contestant {
    Contestant::new("comms", move || {
        let app = Arc::clone(&app);
        async move { check(app.answer(request("/orders/7").map(Body::new)).await.into_body()).await }
    })
}

/// Calls the address with hyper's client.
pub fn hyper(name: &'static str, address: SocketAddr) -> Contestant {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector());
    let url = format!("http://{address}/orders/7");
    Contestant::new(name, move || {
        let answering = client.request(request(&url));
        async move { check(answering.await.expect("an answer").into_body()).await }
    })
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector
}

/// Calls the address with reqwest.
pub fn reqwest(name: &'static str, address: SocketAddr) -> Contestant {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).no_proxy().build().expect("a client");
    let base = format!("http://{address}");
    Contestant::new(name, move || {
        let answering = client.post(format!("{base}/orders/{}", 7)).json(&Order::new()).send();
        async move {
            let answer = answering.await.and_then(reqwest::Response::error_for_status).expect("an answer");
            let order: Order = answer.json().await.expect("an order");
            assert_eq!(order.id, 7);
        }
    })
}

/// Calls the address with the client of the contract.
pub fn generated(name: &'static str, address: SocketAddr) -> Contestant {
    let config = ClientConfig::at(&format!("http://{address}"));
    let channel = Channel::of("orders", &config).expect("a channel");
    let client = OrdersClient::over(channel, Settings::of("orders", &config));
    Contestant::new(name, move || {
        let client = client.clone();
        async move {
            let order = client.put(7, Order::new()).await.expect("an order");
            assert_eq!(order.id, 7);
        }
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
