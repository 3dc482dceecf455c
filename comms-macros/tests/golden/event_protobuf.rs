#[event(name = "orders.shipped", version = 1, topic = "orders", codec = "protobuf")]
#[derive(Clone, prost::Message)]
pub struct Shipped {
    #[prost(string, tag = "1")]
    pub id: String,
}
