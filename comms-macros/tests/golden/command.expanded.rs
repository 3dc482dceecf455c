#[derive(
    ::comms::__private::serde::Serialize,
    ::comms::__private::serde::Deserialize,
    ::comms::__private::schemars::JsonSchema
)]
#[serde(crate = "::comms::__private::serde")]
#[schemars(crate = "::comms::__private::schemars")]
/// Places an order.
pub struct PlaceOrder {
    pub total_cents: u64,
}
impl ::comms::Message for PlaceOrder {
    const TYPE: ::comms::message::MessageType = ::comms::message::MessageType {
        name: "orders.place-order",
        version: 1,
        kind: ::comms::message::MessageKind::Command,
        topic: "commands.orders",
        broker: "default",
        content_type: ::comms::message::codec::JSON,
        owner: ::core::option::Option::Some("orders"),
        key: ::core::option::Option::None,
        doc: "Places an order.",
        rust_path: ::core::concat!(::core::module_path!(), "::PlaceOrder"),
    };
    fn key(&self) -> ::comms::__private::Key {
        ::core::option::Option::None
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
impl ::comms::Request for PlaceOrder {
    type Reply = OrderId;
    type Error = PlaceOrderError;
}
impl ::comms::Command for PlaceOrder {}
::comms::__listed!("PlaceOrder");
