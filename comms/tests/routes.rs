//! Routes as attributes make them, called in the process.
#![cfg(all(feature = "http", feature = "testing"))]

use comms::http::{HttpError, Method, Problem, Raw, Response};
use comms::testing::TestApp;
use comms::{AppBuilder, Publisher, delete, event, get, patch, post, put, service};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An order was placed.
#[event(name = "test.placed", version = 1, topic = "orders")]
#[derive(Clone, Debug, PartialEq)]
struct Placed {
    item: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct OrderId(u64);

#[derive(Deserialize)]
struct NewOrder {
    item: String,
}

#[derive(Debug, thiserror::Error)]
#[error("there is no order {}", .0.0)]
struct NoSuchOrder(OrderId);

impl HttpError for NoSuchOrder {
    fn problem(&self) -> Problem {
        Problem::new(404).detail(self.to_string())
    }
}

#[service(name = "orders", version = "1.0.0")]
struct Orders {
    placed: Publisher<Placed>,
}

#[service]
impl Orders {
    #[get("/orders/{id}")]
    async fn find(&self, id: OrderId, #[header("x-tenant")] tenant: Option<String>) -> Result<Value, NoSuchOrder> {
        if id.0 == 9 { Err(NoSuchOrder(id)) } else { Ok(json!([id, tenant])) }
    }

    #[get("/orders")]
    async fn list(&self, customer: String, page: Option<u32>, tag: Vec<String>) -> Value {
        json!([customer, page, tag])
    }

    #[post("/orders", status = 201, limit(body = "32B"))]
    async fn place(&self, NewOrder { item }: NewOrder, #[query] dry_run: Option<bool>) -> Result<String, comms::PublishError> {
        if dry_run != Some(true) {
            self.placed.publish(&Placed { item: item.clone() }).await?;
        }
        Ok(item)
    }

    #[put("/files/{*name}")]
    async fn upload(&self, #[body] lines: Vec<String>, name: String, #[extract] method: Method) -> Value {
        json!([method.as_str(), name, lines])
    }

    #[patch("/orders/{id}", timeout = "1s")]
    async fn change(&self, id: OrderId) -> u64 {
        tokio::time::sleep(std::time::Duration::from_secs(id.0)).await;
        id.0
    }

    #[delete("/orders/{id}")]
    async fn remove(&self, id: OrderId, force: bool) {
        let _ = (id, force);
    }

    #[get("/teapot")]
    async fn teapot(&self) -> Raw {
        let mut answer = Response::default();
        *answer.status_mut() = comms::http::StatusCode::IM_A_TEAPOT;
        Raw(answer)
    }
}

async fn start() -> TestApp {
    let app = AppBuilder::new("test")
        .service::<Orders>()
        .route::<__comms_Orders_find>()
        .route::<__comms_Orders_list>()
        .route::<__comms_Orders_place>()
        .route::<__comms_Orders_upload>()
        .route::<__comms_Orders_change>()
        .route::<__comms_Orders_remove>()
        .route::<__comms_Orders_teapot>();
    TestApp::with(app).start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_argument_comes_from_where_its_name_and_mark_say() {
    let app = start().await;
    assert_eq!(app.http().get("/orders/7").header("x-tenant", "t").send().await.json::<Value>(), json!([7, "t"]));
    assert_eq!(app.http().get("/orders?tag=a&customer=c&tag=b").send().await.json::<Value>(), json!(["c", null, ["a", "b"]]));
    let answer = app.http().put("/files/a/b.txt").json(&["line"]).send().await;
    assert_eq!(answer.json::<Value>(), json!(["PUT", "a/b.txt", ["line"]]));
    assert_eq!(app.http().delete("/orders/7?force=true").send().await.status, 204);
}

#[tokio::test(start_paused = true)]
async fn what_an_argument_cannot_be_read_from_is_refused_before_the_method_is_called() {
    let app = start().await;
    assert_eq!(app.http().get("/orders/seven").send().await.problem().status(), 400);
    assert_eq!(app.http().get("/orders").send().await.problem().status(), 400);
    assert_eq!(app.http().post("/orders").json(&json!({})).send().await.problem().status(), 422);
    // The query is read before the body.
    assert_eq!(app.http().post("/orders?dry_run=no").json(&json!({})).send().await.problem().status(), 400);
}

#[tokio::test(start_paused = true)]
async fn the_options_of_a_route_hold() {
    let app = start().await;
    let answer = app.http().post("/orders").json(&json!({ "item": "tea" })).send().await;
    assert_eq!((answer.status, answer.json::<String>().as_str()), (201, "tea"));
    app.assert_published(&Placed { item: "tea".into() });
    let long = json!({ "item": "more than thirty-two bytes of tea" });
    assert_eq!(app.http().post("/orders").json(&long).send().await.status, 413);
    assert_eq!(app.http().patch("/orders/0").send().await.status, 200);
    assert_eq!(app.http().patch("/orders/5").send().await.problem().status(), 504);
}

#[tokio::test(start_paused = true)]
async fn an_error_says_what_the_client_is_told_and_a_response_goes_out_as_it_is() {
    let app = start().await;
    let answer = app.http().get("/orders/9").send().await;
    assert_eq!((answer.status, answer.problem().detail_text()), (404, Some("there is no order 9")));
    assert_eq!(app.http().get("/teapot").send().await.status, 418);
}
