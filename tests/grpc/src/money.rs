//! A Protobuf message in a type of our own.

/// An amount of money; on the wire it is `shop.common.v1.Money`.
#[derive(Clone, PartialEq, Eq, Hash, comms::grpc::prost::Message)]
#[prost(prost_path = "::comms::grpc::prost")]
pub struct Money {
    /// Three letters.
    #[prost(string, tag = "1")]
    pub currency: String,
    /// In hundredths.
    #[prost(int64, tag = "2")]
    pub cents: i64,
}

impl Money {
    /// So many euros' hundredths.
    #[must_use]
    pub fn euros(cents: i64) -> Self {
        Self { currency: "EUR".to_owned(), cents }
    }
}
