#[client(grpc = crate::proto::inventory::v1::Inventory, name = "stock")]
pub(crate) struct Inventory;
