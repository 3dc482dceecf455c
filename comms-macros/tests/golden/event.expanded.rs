#[cfg(feature = "orders")]
#[derive(
    ::comms::__private::serde::Serialize,
    ::comms::__private::serde::Deserialize,
    ::comms::__private::schemars::JsonSchema
)]
#[serde(crate = "::comms::__private::serde")]
#[schemars(crate = "::comms::__private::schemars")]
/// An order was placed.
#[derive(Clone, Debug)]
#[cfg(feature = "orders")]
pub struct OrderPlaced {
    pub order_id: OrderId,
    #[serde(rename = "total")]
    pub total_cents: u64,
}
#[cfg(feature = "orders")]
impl ::comms::Message for OrderPlaced {
    const TYPE: ::comms::message::MessageType = ::comms::message::MessageType {
        name: "orders.order-placed",
        version: 1,
        kind: ::comms::message::MessageKind::Event,
        topic: "orders",
        broker: "audit",
        content_type: ::comms::message::codec::JSON,
        owner: ::core::option::Option::None,
        key: ::core::option::Option::Some("order_id"),
        doc: "An order was placed.",
        rust_path: ::core::concat!(::core::module_path!(), "::OrderPlaced"),
    };
    fn key(&self) -> ::comms::__private::Key {
        ::comms::__private::key(&self.order_id)
    }
    fn encode(&self) -> ::comms::__private::Encoded {
        ::comms::message::codec::json_encode(Self::TYPE.name, self)
    }
    fn decode(
        content_type: ::comms::__private::ContentType<'_>,
        payload: &[u8],
    ) -> ::comms::__private::Decoded<Self> {
        ::comms::message::codec::json_decode(Self::TYPE.name, content_type, payload)
    }
    fn schema() -> ::comms::__private::Schema {
        ::comms::__private::schema_of::<Self>()
    }
}
#[cfg(feature = "orders")]
impl ::comms::Event for OrderPlaced {}
#[cfg(feature = "orders")]
::comms::__listed!("OrderPlaced");
