#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Ping;
impl ::comms::Message for Ping {
    const TYPE: ::comms::message::MessageType = ::comms::message::MessageType {
        name: "orders.ping",
        version: 2,
        kind: ::comms::message::MessageKind::Event,
        topic: "orders",
        broker: "default",
        content_type: ::comms::message::codec::JSON,
        owner: ::core::option::Option::None,
        key: ::core::option::Option::None,
        doc: "",
        rust_path: ::core::concat!(::core::module_path!(), "::Ping"),
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
        ::core::option::Option::None
    }
}
impl ::comms::Event for Ping {}
::comms::__listed!("Ping");
