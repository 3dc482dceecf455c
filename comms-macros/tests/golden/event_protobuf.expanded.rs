#[derive(Clone, prost::Message)]
pub struct Shipped {
    #[prost(string, tag = "1")]
    pub id: String,
}
impl ::comms::Message for Shipped {
    const TYPE: ::comms::message::MessageType = ::comms::message::MessageType {
        name: "orders.shipped",
        version: 1,
        kind: ::comms::message::MessageKind::Event,
        topic: "orders",
        broker: "default",
        content_type: ::comms::message::codec::PROTOBUF,
        owner: ::core::option::Option::None,
        key: ::core::option::Option::None,
        doc: "",
        rust_path: ::core::concat!(::core::module_path!(), "::Shipped"),
    };
    fn key(&self) -> ::comms::__private::Key {
        ::core::option::Option::None
    }
    fn encode(&self) -> ::comms::__private::Encoded {
        ::core::result::Result::Ok(::comms::message::codec::protobuf_encode(self))
    }
    fn decode(
        content_type: ::comms::__private::ContentType<'_>,
        payload: &[u8],
    ) -> ::comms::__private::Decoded<Self> {
        ::comms::message::codec::protobuf_decode(Self::TYPE.name, content_type, payload)
    }
    fn schema() -> ::comms::__private::Schema {
        ::core::option::Option::None
    }
}
impl ::comms::Event for Shipped {}
::comms::__listed!("Shipped");
