#[service]
#[cfg(unix)]
impl Billing {
    /// Issues the invoice.
    #[event_handler(group = "g", retry(max = 5, immediate = 2, backoff = "100ms..30s"), timeout = "5s", publishes(InvoiceIssued))]
    async fn on_order_placed(&self, event: OrderPlaced, mailer: Mailer) -> Result<(), BillingError> {
        self.issue(event, mailer).await
    }
    #[event_handler]
    #[cfg(feature = "refunds")]
    async fn on_refunded(&self, event: Refunded) {}
    #[command(timeout = limits::TIMEOUT)]
    async fn place(&self, command: PlaceOrder) -> Result<OrderId, PlaceOrderError> {
        Ok(self.place_one(command))
    }
    #[query]
    async fn get(&self, query: GetOrder) -> Result<Order, Failure> {
        Ok(Order)
    }
    fn helper(&self) {}
}
