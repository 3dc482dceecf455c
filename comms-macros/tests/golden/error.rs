#[service]
impl Billing {
    #[event_handler(retries = 5)]
    fn on_order_placed(&self, event: OrderPlaced) {}
}
