//! A router of axum behind the routes, and its extractors in them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::routing::{get as route, post};
use comms::config::Config;
use comms::http::{Answered, Arguments, Location, Method, Route, RouteDecl, Verb};
use comms::testing::TestApp;
use comms::{App, AppBuilder, Context};
use serde_json::{Value, json};

use crate::client::{connect, exchange, get_and_close, until};
use crate::orders::{Gate, Orders, app};

fn router() -> Router {
    Router::new()
        .route("/hello/{name}", route(|Path(name): Path<String>| async move { format!("hello {name}") }))
        .route("/orders/{id}/notes", post(|body: axum::Json<Value>| async move { body }))
        .route(
            "/panic",
            route(|| async {
                if true {
                    panic!("hunter2")
                }
            }),
        )
        .route("/context", route(|| async { "not reached: a route has that path" }))
        .route("/correlation", route(|| async { Context::current().correlation().map(ToString::to_string).unwrap_or_default() }))
        .route("/deadline", route(|| async { Context::current().deadline().is_some().to_string() }))
        .route("/hang", route(std::future::pending::<()>))
        .fallback(|| async { (axum::http::StatusCode::NOT_FOUND, "axum knows no such path") })
}

async fn test() -> TestApp {
    TestApp::with(app(&Gate::new()).merge(router())).start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_no_route_answers_goes_to_the_router() {
    let app = test().await;
    assert_eq!(&*app.http().get("/hello/you").send().await.body, b"hello you");
    let answer = app.http().post("/orders/7/notes").json(&json!({"a": 1})).send().await;
    assert_eq!((answer.status, answer.json::<Value>()), (200, json!({"a": 1})));
    assert_eq!(app.http().get("/orders/7").send().await.status, 200);
    let answer = app.http().get("/nowhere").send().await;
    assert_eq!((answer.status, &*answer.body), (404, &b"axum knows no such path"[..]));
    let answer = app.http().request(Method::POST, "/orders/7").send().await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, PUT, DELETE")), "the path is ours");
    assert!(app.http().get("/context").send().await.header("content-type").is_some_and(|kind| kind == "application/json"));
}

#[tokio::test(start_paused = true)]
async fn the_router_has_the_context_and_its_panics_are_their_requests_own() {
    let app = test().await;
    let answer = app.http().get("/correlation").header("x-request-id", "r-1").send().await;
    assert_eq!((answer.header("x-request-id"), &*answer.body), (Some("r-1"), &b"r-1"[..]));
    let answer = app.http().get("/panic").send().await;
    assert_eq!((answer.status, answer.problem().detail_text()), (500, None));
    assert_eq!(app.http().get("/hello/you").send().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_caller_holds_for_the_router_too() {
    let app = TestApp::with(AppBuilder::new("legacy").merge(router())).start().await.unwrap();
    assert_eq!(&*app.http().get("/deadline").send().await.body, b"false");
    assert_eq!(&*app.http().get("/deadline").header("grpc-timeout", "5S").send().await.body, b"true");
    let hanging = async { app.http().get("/hang").header("grpc-timeout", "2S").send().await.status };
    assert_eq!(tokio::time::timeout(Duration::from_secs(60), hanging).await, Ok(504));
    assert_eq!(app.http().get("/deadline").header("grpc-timeout", "0S").send().await.status, 504);
}

async fn serve(app: AppBuilder) -> App {
    app.config(Config::from_toml("[http]\naddress = \"127.0.0.1:0\"").unwrap()).start().await.unwrap()
}

#[tokio::test]
async fn a_router_alone_opens_the_port() {
    let app = serve(AppBuilder::new("legacy").merge(router())).await;
    let answer = exchange(&app, &get_and_close("/hello/you")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello you"), "{answer}");
    drop(connect(&app).await);
    until("no connection is left", || app.http_connections() == 0).await;
}

#[tokio::test]
async fn two_routers_are_a_problem_of_the_start() {
    let error = AppBuilder::new("legacy").merge(router()).merge(router()).start().await.unwrap_err();
    assert!(error.problems()[0].contains("`merge` is called 2 times"), "{error}");
}

#[derive(Debug, serde::Deserialize)]
struct Page {
    page: u32,
}

struct Extracting;

impl Route for Extracting {
    type Service = Orders;
    const DECL: RouteDecl = RouteDecl::new(Verb::Get, "/extracting", "extracting", Location::new(file!(), line!()));

    async fn call(_: Arc<Orders>, mut arguments: Arguments) -> Answered {
        let axum::extract::Query(Page { page }) = arguments.extract().await?;
        let RawQuery(query) = arguments.extract().await?;
        let uri: axum::http::Uri = arguments.extract().await?;
        comms::__answered!(200, (page, query, uri.path()))
    }
}

struct Peer;

impl Route for Peer {
    type Service = Orders;
    const DECL: RouteDecl = RouteDecl::new(Verb::Get, "/peer", "peer", Location::new(file!(), line!()));

    async fn call(_: Arc<Orders>, mut arguments: Arguments) -> Answered {
        let axum::Extension(number) = arguments.extract::<axum::Extension<u32>>().await?;
        comms::__answered!(200, number)
    }
}

#[tokio::test(start_paused = true)]
async fn extractors_of_axum_work_in_routes() {
    let app = TestApp::with(app(&Gate::new()).route::<Extracting>().route::<Peer>()).start().await.unwrap();
    let answer = app.http().get("/extracting?page=3&a=b").send().await;
    assert_eq!(answer.json::<Value>(), json!([3, "page=3&a=b", "/extracting"]));
    let answer = app.http().get("/extracting?page=x").send().await;
    assert_eq!(answer.status, 400);
    assert!(answer.problem().detail_text().is_some_and(|detail| detail.contains("page")), "{answer:?}");
    // What only a layer of axum could have put there is missing, and that is the service's fault.
    let answer = app.http().get("/peer").send().await;
    assert_eq!((answer.status, answer.problem().detail_text()), (500, None));
}
