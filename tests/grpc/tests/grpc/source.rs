//! What was generated, as text. `OUT_DIR` is set for tests too, since the package has a build script.

use comms::grpc::{Descriptor, Idempotency, MethodDecl};
use comms_grpc_tests::proto::shop::inventory::v1::InventoryDescriptor;

const INVENTORY: &str = include_str!(concat!(env!("OUT_DIR"), "/comms/proto/shop.inventory.v1.rs"));
const COMMON: &str = include_str!(concat!(env!("OUT_DIR"), "/comms/proto/shop.common.v1.rs"));

#[test]
fn comments_of_the_proto_files_are_documentation() {
    for comment in [
        "/// What lies on the shelves.",
        "/// Sets goods aside until they are paid.",
        "/// What is to be set aside.",
        "/// What. Some articles do more than others: see `stock.rs`.",
        "/// Until when it is set aside.",
    ] {
        assert!(INVENTORY.contains(comment), "no `{comment}`");
    }
    assert!(COMMON.contains("/// The stock keeping unit."));
    // At the trait and at the client.
    assert_eq!(INVENTORY.matches("/// Sets goods aside until they are paid.").count(), 2);
}

#[test]
fn a_type_of_our_own_is_not_generated_again() {
    assert!(!COMMON.contains("struct Money") && INVENTORY.contains("crate::money::Money"));
}

#[test]
fn the_service_is_described() {
    let expected = [
        MethodDecl::unary("Reserve").handler("reserve"),
        MethodDecl::server_streaming("Watch").handler("watch").idempotency(Idempotency::NoSideEffects),
        MethodDecl::client_streaming("Receive").handler("receive"),
        MethodDecl::bidirectional("Haggle").handler("haggle"),
        MethodDecl::unary("Close").handler("close").idempotency(Idempotency::Idempotent),
    ];
    assert_eq!((InventoryDescriptor::NAME, InventoryDescriptor::METHODS), ("shop.inventory.v1.Inventory", expected.as_slice()));
}
