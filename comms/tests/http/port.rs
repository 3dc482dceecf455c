//! The port: when it is open, and how connections are kept.

use comms::config::Config;
use comms::http::{Answered, Arguments, Location, Route, RouteDecl, Verb};
use comms::{AppBuilder, Stopped};
use tokio::io::AsyncWriteExt as _;

use crate::client::{address, answer, connect, exchange, get, get_and_close, serve, until};
use crate::orders::{Gate, Orders, app};

#[tokio::test]
async fn a_connection_is_kept_for_further_requests() {
    let app = serve(&Gate::new(), "").await;
    let mut stream = connect(&app).await;
    for _ in 0..3 {
        stream.write_all(get("/orders/7").as_bytes()).await.unwrap();
        let answer = answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("{\"id\":7,\"item\":\"seven\"}"), "{answer}");
        assert!(answer.contains("\r\nx-request-id: "), "{answer}");
    }
    assert_eq!(app.http_connections(), 1);
    drop(stream);
    until("the connection is gone", || app.http_connections() == 0).await;
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_their_order() {
    let app = serve(&Gate::new(), "").await;
    let mut stream = connect(&app).await;
    stream.write_all(format!("{}{}{}", get("/orders/7"), get("/nowhere"), get("/files/a")).as_bytes()).await.unwrap();
    for status in ["200", "404", "200"] {
        let answer = answer(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[tokio::test]
async fn old_and_unusual_requests_are_understood() {
    let app = serve(&Gate::new(), "").await;
    let answer = exchange(&app, "GET /files/a HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.ends_with("\"a\""), "{answer}");
    let answer = exchange(&app, "GET http://x/files/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let answer = exchange(&app, "HEAD /files/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(answer.contains("content-length: 3\r\n"), "{answer}");
    let body = "{\"item\": \"tea\", \"count\": 1}";
    let chunked = format!(
        "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        &body[..5],
        body.len() - 5,
        &body[5..]
    );
    let answer = exchange(&app, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let app = serve(&Gate::new(), "").await;
    let answer = exchange(&app, &get_and_close("/large")).await;
    assert_eq!(answer.split_once("\r\n\r\n").unwrap().1.len(), (8 << 20) + 2);
}

#[tokio::test]
async fn further_connections_wait_until_one_is_free() {
    let app = serve(&Gate::new(), "max_connections = 1").await;
    let mut first = connect(&app).await;
    first.write_all(get("/orders/7").as_bytes()).await.unwrap();
    answer(&mut first).await;
    let mut second = connect(&app).await;
    second.write_all(get("/orders/7").as_bytes()).await.unwrap();
    let early = tokio::time::timeout(std::time::Duration::from_millis(100), second.readable()).await;
    assert!(early.is_err(), "the second was served beside the first");
    drop(first);
    assert!(answer(&mut second).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn an_address_in_use_is_a_problem_of_the_start_with_the_way_out() {
    let gate = Gate::new();
    let running = serve(&gate, "").await;
    let config = Config::from_toml(&format!("[http]\naddress = \"{}\"", address(&running))).unwrap();
    let error = app(&gate).config(config).start().await.unwrap_err();
    assert_eq!(error.problems().len(), 1);
    assert!(
        error.problems()[0].contains("could not open the HTTP port at 127.0.0.1:") && error.problems()[0].contains("COMMS__HTTP__ADDRESS"),
        "{error}"
    );
}

#[tokio::test]
async fn no_port_is_opened_without_routes_or_when_switched_off() {
    let config = |text: &str| Config::from_toml(&format!("[http]\naddress = \"127.0.0.1:0\"\n{text}")).unwrap();
    let gate = Gate::new();
    let without_routes = AppBuilder::new("orders").config(config("")).start().await.unwrap();
    let switched_off = app(&gate).config(config("enabled = false")).start().await.unwrap();
    assert_eq!((without_routes.http_address(), switched_off.http_address()), (None, None));
    assert_eq!(without_routes.shutdown().await, Stopped::Drained);
}

struct Twin;

impl Route for Twin {
    type Service = Orders;
    const DECL: RouteDecl = RouteDecl::new(Verb::Get, "/orders/{id}", "twin", Location::new("src/twin.rs", 3));

    async fn call(_: std::sync::Arc<Orders>, _: Arguments) -> Answered {
        comms::__answered!(200, ())
    }
}

struct Homeless;

impl Route for Homeless {
    type Service = Orders;
    const DECL: RouteDecl = RouteDecl::new(Verb::Get, "/files/{*rest}", "homeless", Location::new("src/homeless.rs", 3));

    async fn call(_: std::sync::Arc<Orders>, _: Arguments) -> Answered {
        comms::__answered!(200, ())
    }
}

#[tokio::test]
async fn routes_that_contradict_each_other_are_problems_of_the_start() {
    let error = app(&Gate::new()).route::<Twin>().route::<Homeless>().start().await.unwrap_err();
    assert_eq!(error.problems().len(), 2, "{error}");
    assert!(error.problems()[0].contains("src/twin.rs:3") && error.problems()[0].contains("orders.rs:"), "{error}");
    assert!(error.problems()[1].contains("can't be told apart"), "{error}");
    let error = AppBuilder::new("orders").route::<Homeless>().start().await.unwrap_err();
    assert!(error.problems()[0].contains("route `GET /files/{*rest}` (`homeless`, src/homeless.rs:3): nothing provides"), "{error}");
}
