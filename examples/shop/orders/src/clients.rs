//! Whom the service calls.

use comms::client;

/// Keeps articles for orders: `[clients.inventory]` says where.
#[client(grpc = shop_contracts::proto::shop::inventory::v1::Inventory, timeout = "5s")]
pub struct Inventory;
