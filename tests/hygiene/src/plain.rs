//! Nothing unusual: every attribute once, on documented items, with all warnings denied.

use std::fmt;
use std::sync::Arc;

use comms::{Publisher, command, delete, event, event_handler, get, patch, post, provider, put, query, service};

/// The identity of an order.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct OrderId(pub String);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An order was placed.
#[event(name = "orders.order-placed", version = 1, topic = "orders", key = order_id)]
#[derive(Clone, Debug)]
pub struct OrderPlaced {
    /// Which one.
    pub order_id: OrderId,
    /// For how much.
    #[serde(rename = "total")]
    pub total_cents: u64,
}

/// An invoice was issued.
#[event(name = "billing.invoice-issued", version = 1, topic = "billing")]
#[derive(Clone, Debug)]
pub struct InvoiceIssued {
    /// Of which order.
    pub order_id: OrderId,
}

/// Places an order.
#[command(name = "orders.place-order", version = 1, owner = "orders", reply = OrderId)]
#[derive(Clone, Debug)]
pub struct PlaceOrder {
    /// For how much.
    pub total_cents: u64,
}

/// Counts the orders.
#[query(name = "orders.count-orders", version = 1, owner = "orders", reply = u64)]
#[derive(Clone, Debug)]
pub struct CountOrders;

/// Where invoices are kept.
#[derive(Clone, Debug, Default)]
pub struct Invoices;

/// Where mails go out.
#[derive(Clone, Debug, Default)]
pub struct Mailer;

/// The billing service.
#[service(name = "billing", version = "1.2.0", tags("x", "y"), subscribe("orders", ordered, concurrency = 16, dedup = "10m"))]
pub struct Billing {
    events: Publisher<InvoiceIssued>,
    _invoices: Invoices,
}

#[service]
impl Billing {
    /// Issues the invoice.
    #[event_handler(retry(max = 5, immediate = 2, backoff = "100ms..30s"), timeout = "5s")]
    async fn on_order_placed(&self, event: OrderPlaced) -> Result<(), comms::PublishError> {
        self.events.publish(&InvoiceIssued { order_id: event.order_id }).await?;
        Ok(())
    }

    #[event_handler]
    async fn on_invoice_issued(&self, _event: InvoiceIssued, mailer: Mailer) {
        self.helper(&mailer);
    }

    fn helper(&self, _: &Mailer) {}
}

/// The order service.
#[service(name = "orders", version = "1.0.0")]
pub struct Orders;

#[service]
impl Orders {
    #[command(timeout = "2s")]
    async fn place(&self, _command: PlaceOrder) -> Result<OrderId, comms::Failure> {
        Ok(OrderId("o-1".to_owned()))
    }

    #[query]
    async fn count(&self, _query: CountOrders) -> Result<u64, comms::Failure> {
        Ok(1)
    }

    /// Finds an order.
    #[get("/orders/{id}", timeout = "5s")]
    async fn find(&self, id: OrderId, #[header("x-tenant")] tenant: Option<String>) -> Result<OrderId, comms::Failure> {
        let _ = tenant;
        Ok(id)
    }

    #[get("/orders")]
    async fn list(&self, customer: Option<String>, page: Vec<u32>) -> Vec<OrderId> {
        vec![OrderId(format!("{customer:?} {page:?}"))]
    }

    #[post("/orders", status = 201, limit(body = "64KiB"))]
    async fn add(&self, order: PlaceOrder, #[query] dry_run: Option<bool>) -> OrderId {
        OrderId(format!("{} {dry_run:?}", order.total_cents))
    }

    #[put("/orders/{id}/files/{*name}")]
    async fn upload(&self, name: String, id: OrderId, #[body] file: Vec<u8>, #[extract] _method: comms::http::Method) {
        let _ = (name, id, file);
    }

    #[patch("/orders/{id}")]
    async fn change(&self, id: OrderId, PlaceOrder { total_cents }: PlaceOrder) -> Result<u64, comms::Failure> {
        let _ = id;
        Ok(total_cents)
    }

    #[delete("/orders/{id}")]
    async fn remove(&self, id: OrderId) -> Result<(), String> {
        Err(id.0)
    }

    #[get("/health")]
    async fn health(&self) {}
}

/// A free handler.
///
/// # Errors
/// Always.
#[event_handler(service = "billing", publishes(InvoiceIssued))]
pub async fn on_placed(event: OrderPlaced, _mailer: Mailer, _events: Publisher<InvoiceIssued>) -> Result<(), String> {
    Err(event.order_id.0)
}

/// Makes the store.
///
/// # Errors
/// Never.
#[provider]
pub async fn invoices() -> Result<Invoices, String> {
    Ok(Invoices)
}

/// Makes the mailer.
#[provider]
pub fn mailer(_invoices: Invoices) -> Arc<Mailer> {
    Arc::new(Mailer)
}

/// What generated wiring would call.
pub fn wire(app: comms::AppBuilder) -> comms::AppBuilder {
    app.provider::<comms::handler!(invoices)>()
        .provider::<comms::handler!(self::mailer)>()
        .service::<Billing>()
        .service::<Orders>()
        .event_handler::<__comms_Billing_on_order_placed>()
        .event_handler::<__comms_Billing_on_invoice_issued>()
        .event_function::<comms::handler!(on_placed)>("billing")
        .request_handler::<__comms_Orders_place>()
        .request_handler::<__comms_Orders_count>()
        .route::<__comms_Orders_find>()
        .route::<__comms_Orders_list>()
        .route::<__comms_Orders_add>()
        .route::<__comms_Orders_upload>()
        .route::<__comms_Orders_change>()
        .route::<__comms_Orders_remove>()
        .route::<__comms_Orders_health>()
}
