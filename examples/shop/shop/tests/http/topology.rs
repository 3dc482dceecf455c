//! What the binaries draw of who calls whom.

use serde_json::{Value, json};

use crate::process::printed;

#[test]
fn the_topology_of_the_binary_shows_who_calls_whom() {
    let graph = printed(env!("CARGO_BIN_EXE_shop"), &["topology"]);
    for line in [
        "  service_orders -. \"shop.inventory.v1.Inventory (grpc)\" .-> service_inventory",
        "  service_loadgen -. \"orders-api (http)\" .-> service_orders",
        "  service_billing -. \"payment-provider (http)\" .-> outside_payment_2d_provider",
        "  outside_payment_2d_provider([payment-provider])",
    ] {
        assert!(graph.lines().any(|found| found == line), "no `{line}` in\n{graph}");
    }
    let data: Value = serde_json::from_str(&printed(env!("CARGO_BIN_EXE_shop"), &["topology", "--json"])).expect("JSON");
    let service =
        |name: &str| data["services"].as_array().expect("services").iter().find(|it| it["name"] == name).cloned().unwrap_or_default();
    assert_eq!(service("orders")["calls"], json!(["inventory"]));
    assert_eq!(service("orders")["contracts"], json!(["orders-api"]));
    assert_eq!(data["clients"].as_array().map(Vec::len), Some(3), "{}", data["clients"]);
}

/// Alone, what it calls is somewhere else.
#[test]
fn the_topology_of_one_service_shows_what_it_calls_outside() {
    let graph = printed(env!("CARGO_BIN_EXE_solo-orders"), &["topology"]);
    let line = "  service_orders -. \"shop.inventory.v1.Inventory (grpc)\" .-> outside_shop_2e_inventory_2e_v1_2e_Inventory";
    assert!(graph.lines().any(|found| found == line), "no `{line}` in\n{graph}");
}

#[test]
fn the_wiring_says_what_may_be_repeated_and_who_calls() {
    let text = printed(env!("CARGO_BIN_EXE_shop"), &["wiring"]);
    let place = text.lines().find(|line| line.contains("place_order")).unwrap_or_default();
    assert!(place.contains("POST /orders") && place.contains(", idempotent"), "{text}");
    assert!(text.contains("  calls with inventory\n"), "{text}");
}
