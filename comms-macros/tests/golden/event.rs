/// An order was placed.
#[event(name = "orders.order-placed", version = 1, topic = "orders", key = order_id, broker = "audit")]
#[derive(Clone, Debug)]
#[cfg(feature = "orders")]
pub struct OrderPlaced {
    pub order_id: OrderId,
    #[serde(rename = "total")]
    pub total_cents: u64,
}
