//! What the health of a process tells of its HTTP port.

use std::sync::Arc;

use super::*;
use crate::http::{Answered, Arguments, Location, Route as HttpRoute, RouteDecl, Verb};
use crate::service;

#[service(name = "greeter", version = "1.0.0")]
struct Greeter;

struct Greet;

impl HttpRoute for Greet {
    type Service = Greeter;
    const DECL: RouteDecl = RouteDecl::new(Verb::Get, "/greet", "greet", Location::new("lib.rs", 1));

    async fn call(_: Arc<Greeter>, _: Arguments) -> Answered {
        crate::__answered!(200, "hello")
    }
}

#[tokio::test]
async fn the_health_tells_of_the_http_port() {
    let config = Config::from_toml("[http]\naddress = \"127.0.0.1:0\"\nmax_connections = 1").unwrap();
    let app = AppBuilder::new("greeter").service::<Greeter>().route::<Greet>().config(config);
    let health = app.health.clone();
    let app = app.start().await.unwrap();
    let state = || json!(health.report())["components"]["http"]["state"].clone();
    assert!(health.report().ready);
    assert_eq!(state(), "up");
    let connection = tokio::net::TcpStream::connect(app.http_address().unwrap()).await.unwrap();
    let deadline = Instant::now() + std::time::Duration::from_secs(20);
    while state() != "degraded" {
        assert!(Instant::now() < deadline, "{}", state());
        tokio::task::yield_now().await;
    }
    drop(connection);
    app.shutdown().await;
    assert_eq!(state(), "down");
    assert!(!health.report().ready);
}
