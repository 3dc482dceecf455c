#[derive(::core::clone::Clone)]
#[derive(::core::fmt::Debug)]
pub(crate) struct Inventory(
    crate::proto::inventory::v1::InventoryClient<::comms::client::Channel>,
);
impl ::core::ops::Deref for Inventory {
    type Target = crate::proto::inventory::v1::InventoryClient<::comms::client::Channel>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
impl ::comms::client::Client for Inventory {
    const DECL: ::comms::client::ClientDecl = ::comms::client::ClientDecl::new(
        "stock",
        ::comms::client::ClientKind::Grpc,
        <crate::proto::inventory::v1::InventoryDescriptor as ::comms::grpc::Descriptor>::NAME,
        ::comms::__here!(),
    );
    fn over(
        channel: ::comms::client::Channel,
        settings: ::comms::client::Settings,
    ) -> Self {
        Self(
            <crate::proto::inventory::v1::InventoryClient<
                ::comms::client::Channel,
            >>::from(::comms::grpc::Client::over(channel, settings)),
        )
    }
}
::comms::__listed!("Inventory");
