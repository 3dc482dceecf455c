//! The task that places orders.

use std::time::{Duration, SystemTime};

use comms::client::CallError;
use comms::config::{ConfigError, Period};
use comms::{Class, Classify, Settings, Tasks, client, provider, service};
use serde::Deserialize;
use shop_contracts::{PlaceOrder, PlaceOrderError};

/// Who orders, in turn; the last one is trouble.
const CUSTOMERS: [&str; 10] = ["ada", "grace", "alan", "ada", "barbara", "edsger", "ada", "donald", "grace", "mallory"];

/// What is for sale, in turn; nobody has ever had a unicorn.
const ARTICLES: [&str; 7] = ["book", "lamp", "book", "chair", "book", "lamp", "unicorn"];

/// The orders of the shop: `[clients.orders]` says where.
#[client(http = shop_contracts::OrdersApi)]
pub struct Orders;

/// `[app.loadgen]` of the configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Pace {
    /// How long between two orders.
    pace: Period,
}

impl Default for Pace {
    fn default() -> Self {
        Self { pace: Period(Duration::from_secs(1)) }
    }
}

/// That orders are being placed; a test hands over its own, and none are.
#[derive(Clone, Copy, Debug)]
pub struct Load;

/// The service itself has no handlers: it only talks.
#[service(name = "loadgen", version = "1.0.0", tags("shop"))]
#[derive(Debug)]
pub struct Loadgen {
    _load: Load,
}

/// Places orders for as long as the application runs.
#[provider]
pub(crate) async fn load(orders: Orders, tasks: Tasks, settings: Settings) -> Result<Load, ConfigError> {
    let Pace { pace: Period(pace) } = settings.section("loadgen")?;
    tasks.spawn(move |stopping| async move {
        stopping.run_until_cancelled(place_orders(orders, pace)).await;
    });
    Ok(Load)
}

async fn place_orders(orders: Orders, pace: Duration) {
    let run = run_id();
    for number in 1_u64.. {
        tokio::time::sleep(pace).await;
        let order = order(&run, number);
        // A call may fail without having failed: the order id makes it safe to repeat.
        while let Err(error) = orders.place_order(order.clone()).await {
            if !is_worth_repeating(&error) {
                tracing::warn!(order_id = order.order_id, %error, "the order was not placed");
                break;
            }
            tracing::info!(order_id = order.order_id, %error, "the order is placed again");
            tokio::time::sleep(pace).await;
        }
    }
}

fn is_worth_repeating(error: &CallError<PlaceOrderError>) -> bool {
    match error {
        CallError::Refused(refusal, ..) => refusal.class() != Class::Permanent,
        _ => true,
    }
}

fn order(run: &str, number: u64) -> PlaceOrder {
    let index = usize::try_from(number).unwrap_or(0) % CUSTOMERS.len();
    let customer = CUSTOMERS[index].to_owned();
    let article = ARTICLES[index % ARTICLES.len()].to_owned();
    PlaceOrder { order_id: format!("{run}-{number}"), customer, article, quantity: 1 + u32::from(number.is_multiple_of(3)) }
}

/// Tells the orders of this run from those of the one before.
fn run_id() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{:04x}", since.as_secs() % 0x1_0000)
}
