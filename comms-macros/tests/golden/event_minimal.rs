#[event(name = "orders.ping", version = 2, topic = "orders", schema = false)]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Ping;
