//! What routes answer, in the process.

use std::time::Duration;

use comms::http::Method;
use serde_json::{Value, json};

use crate::orders::{NewOrder, Order, OrderPlaced, Seen, test};

#[tokio::test(start_paused = true)]
async fn a_value_is_answered_as_json_and_nothing_as_204() {
    let app = test().start().await.unwrap();
    let answer = app.http().get("/orders/7").send().await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.json::<Order>(), Order { id: 7, item: "seven".into() });
    let answer = app.http().delete("/orders/7").send().await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
}

#[tokio::test(start_paused = true)]
async fn an_error_that_speaks_for_itself_is_the_problem_that_it_says() {
    let app = test().start().await.unwrap();
    let answer = app.http().get("/orders/9").send().await;
    let problem = answer.problem();
    assert_eq!((answer.status, problem.status(), problem.code_text()), (404, 404, Some("no-such-order")));
    assert_eq!((problem.detail_text(), problem.extension("order")), (Some("there is no order 9"), Some(&json!(9))));
}

#[tokio::test(start_paused = true)]
async fn an_error_without_words_is_judged_by_its_class_and_its_text_stays_here() {
    let app = test().start().await.unwrap();
    for (how, status, detail) in [
        ("permanent", 422, Some("no such customer")),
        ("retryable", 503, None),
        ("unknown", 500, None),
        ("other", 500, None),
        ("panic", 500, None),
    ] {
        let answer = app.http().get(&format!("/fail/{how}")).send().await;
        assert_eq!((answer.status, answer.problem().detail_text()), (status, detail), "{how}");
        assert_eq!(answer.header("retry-after").is_some(), status == 503, "{how}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("hunter2"), "{how}");
    }
    // That of a call over gRPC, which says its class itself.
    if cfg!(feature = "grpc") {
        assert_eq!(app.http().get("/fail/called").send().await.status, 503);
    }
    let answer = app.http().put("/orders/7").send().await;
    assert_eq!((answer.status, answer.problem().detail_text()), (422, Some("only as many as there are")));
    assert_eq!(app.http().get("/orders/7").send().await.status, 200, "the panic was that request's own");
}

#[tokio::test(start_paused = true)]
async fn arguments_come_from_path_query_and_headers() {
    let app = test().start().await.unwrap();
    let answer = app.http().get("/orders?customer=a%20b%2Bc+d&tag=x&tag=y&limit=5").header("x-tenant", "t").send().await;
    assert_eq!(answer.json::<Value>(), json!(["a b+c d", ["x", "y"], 5, "t"]));
    assert_eq!(app.http().get("/orders").send().await.json::<Value>(), json!([null, [], null, null]));
    assert_eq!(app.http().get("/files/a/b%2Fc/%C3%A9").send().await.json::<String>(), "a/b/c/é");
    assert_eq!(app.http().get("/extract").header("a", "1").header("b", "2").send().await.json::<usize>(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_argument_is_named_with_what_was_expected() {
    let app = test().start().await.unwrap();
    for (path, expected, name, place) in [
        ("/orders/seven", "the path parameter `id`: expected a whole number of 64 bits, not below 0, found `seven`", "id", "path"),
        ("/orders?limit=300", "the query parameter `limit`: expected a whole number from 0 to 255, found `300`", "limit", "query"),
        ("/orders?limit=1&limit=2", "the query parameter `limit`: it is given 2 times, and may be given once", "limit", "query"),
        ("/orders?customer=%FF", "the query parameter `customer`: it is no UTF-8", "customer", "query"),
        ("/files/%FF", "the path parameter `path`: it is no UTF-8", "path", "path"),
    ] {
        let answer = app.http().get(path).send().await;
        let problem = answer.problem();
        assert_eq!((answer.status, problem.detail_text()), (400, Some(expected)));
        assert_eq!((problem.extension("parameter"), problem.extension("in")), (Some(&json!(name)), Some(&json!(place))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_json_of_the_right_shape_and_size() {
    let app = test().start().await.unwrap();
    let post = || app.http().post("/orders");
    let answer = post().json(&NewOrder { item: "tea".into(), count: 1 }).send().await;
    assert_eq!((answer.status, answer.json::<Order>().item.as_str()), (201, "tea"));
    app.assert_published(&OrderPlaced { item: "tea".into() });
    for (content_type, body, status, detail) in [
        ("application/json", "{", 400, "the body: EOF while parsing an object at line 1 column 1"),
        ("application/json", "{\"item\": \"tea\"}", 422, "the body: missing field `count` at line 1 column 15"),
        ("application/json", "", 400, "the body is empty: it should be JSON"),
        ("application/json", "{\"item\": \"tea\", \"count\": 0}", 422, "order at least one"),
        ("text/plain", "{}", 415, "the body should be JSON, with `content-type: application/json`; it has `content-type: text/plain`"),
    ] {
        let answer = post().body(content_type, body).send().await;
        assert_eq!((answer.status, answer.problem().detail_text()), (status, Some(detail)), "{body}");
    }
    let answer = post().body("application/json", "x".repeat(1025)).send().await;
    assert_eq!(
        (answer.status, answer.problem().detail_text()),
        (413, Some("the body is larger than 1024 bytes, the most that is taken here"))
    );
    let answer = post().body("application/vnd.order+json; charset=utf-8", "{\"item\": \"tea\", \"count\": 1}").send().await;
    assert_eq!(answer.status, 201);
}

#[tokio::test(start_paused = true)]
async fn other_paths_and_methods_are_problems_too() {
    let app = test().start().await.unwrap();
    for path in ["/nowhere", "/orders/", "/orders/7/", "/"] {
        let answer = app.http().get(path).send().await;
        assert_eq!((answer.status, answer.problem().status()), (404, 404), "{path}");
    }
    for method in [Method::POST, Method::OPTIONS, Method::from_bytes(b"BREW").unwrap()] {
        let answer = app.http().request(method, "/orders/7").send().await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, PUT, DELETE")));
        assert_eq!(answer.problem().title(), "Method Not Allowed");
    }
    let answer = app.http().request(Method::HEAD, "/orders/7").send().await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

#[tokio::test(start_paused = true)]
async fn a_route_that_takes_too_long_is_stopped() {
    let app = test().start().await.unwrap();
    let begun = tokio::time::Instant::now();
    let answer = app.http().get("/hang").send().await;
    assert_eq!((answer.status, answer.problem().status()), (504, 504));
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_configuration_may_say_how_long_a_route_may_take() {
    let config = comms::config::Config::from_toml("[service.orders.handler.hang]\ntimeout = \"1s\"").unwrap();
    let app = comms::testing::TestApp::with(crate::orders::app(&crate::orders::Gate::new()).config(config)).start().await.unwrap();
    let begun = tokio::time::Instant::now();
    assert_eq!(app.http().get("/hang").send().await.status, 504);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_request_id_and_the_trace_of_the_client_go_on() {
    let app = test().start().await.unwrap();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = app.http().get("/context").header("x-request-id", "r-1").header("traceparent", parent).send().await;
    let seen: Seen = answer.json();
    assert_eq!((answer.header("x-request-id"), seen.correlation.as_str()), (Some("r-1"), "r-1"));
    assert!(seen.trace.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && !seen.trace.contains("b7ad6b7169203331"), "{seen:?}");
    assert!(seen.has_deadline);
    let too_long = "x".repeat(129);
    for given in ["", "a b", too_long.as_str()] {
        let answer = app.http().get("/context").header("x-request-id", given).header("traceparent", "00-x").send().await;
        let seen: Seen = answer.json();
        assert_eq!((answer.header("x-request-id"), seen.correlation.len()), (Some(seen.correlation.as_str()), 36));
        assert_eq!(seen.trace.len(), parent.len());
    }
    assert!(app.http().get("/nowhere").send().await.header("x-request-id").is_some());
}

#[tokio::test(start_paused = true)]
async fn what_a_route_publishes_belongs_to_its_request() {
    let app = test().start().await.unwrap();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let post = app.http().post("/orders").header("x-request-id", "r-2").header("traceparent", parent).header("tracestate", "v=1");
    assert_eq!(post.json(&NewOrder { item: "tea".into(), count: 1 }).send().await.status, 201);
    let published = app.brokers().iter().flat_map(comms::broker::memory::Memory::published).next().unwrap();
    let metadata = &published.envelope.metadata;
    assert_eq!(metadata.correlation.as_ref().map(ToString::to_string).as_deref(), Some("r-2"));
    assert_eq!(metadata.trace.map(|trace| format!("{:032x}", trace.trace_id())).as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
    assert_eq!(metadata.trace_state.as_deref(), Some("v=1"));
}

#[tokio::test(start_paused = true)]
async fn an_extractor_refuses_with_its_own_status_and_headers() {
    let app = test().start().await.unwrap();
    let answer = app.http().get("/reject").send().await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(answer.problem().detail_text(), Some("who are you?"));
}
