//! What is no identity may be a constant.

use std::time::Duration;

use comms::handler::RetryDecl;
use comms::{event, event_handler, post, service};

mod limits {
    use super::*;
    pub const CONCURRENCY: usize = 4;
    pub const SHARDS: u16 = 8;
    pub const WINDOW: Duration = Duration::from_secs(60);
    pub const MAX: u32 = 3;
    pub const BODY: usize = 64;
    pub const RETRY: RetryDecl = RetryDecl::DEFAULT.max(1);
}

#[event(name = "orders.placed", version = 1, topic = "orders")]
struct Placed;

#[service(
    name = "billing",
    version = "1.0.0",
    subscribe("orders", concurrency = limits::CONCURRENCY, ordered(shards = limits::SHARDS), dedup = limits::WINDOW),
    subscribe("orders", group = "audit")
)]
struct Billing;

#[service]
impl Billing {
    #[event_handler(retry(max = limits::MAX, immediate = 0), timeout = limits::WINDOW)]
    async fn on_placed(&self, _event: Placed) {}

    #[event_handler(group = "audit", retry = limits::RETRY)]
    async fn audit(&self, _event: Placed) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }

    #[post("/bills", timeout = limits::WINDOW, limit(body = limits::BODY))]
    async fn issue(&self, _bill: u64) {}
}

fn main() {
    let [orders, _] = <Billing as comms::Service>::DECL.subscriptions else { panic!("two subscriptions") };
    assert_eq!((orders.concurrency, orders.ordered, orders.dedup), (4, Some(8), Some(Duration::from_secs(60))));
    let placed = <__comms_Billing_on_placed as comms::handler::EventHandler>::DECL;
    assert_eq!((placed.retry.max, placed.retry.immediate, placed.timeout), (3, 0, Duration::from_secs(60)));
    let audit = <__comms_Billing_audit as comms::handler::EventHandler>::DECL;
    assert_eq!((audit.group, audit.retry), (Some("audit"), limits::RETRY));
    let issue = <__comms_Billing_issue as comms::http::Route>::DECL;
    assert_eq!((issue.timeout, issue.body_limit), (Duration::from_secs(60), 64));
}
