/// Places an order.
#[command(name = "orders.place-order", version = 1, owner = "orders", reply = OrderId, error = PlaceOrderError)]
pub struct PlaceOrder {
    pub total_cents: u64,
}
