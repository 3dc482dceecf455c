//! The documents that the services print.

use std::process::Output;

use serde_json::{Value, json};

use crate::process::{printed, python, said, scratch};

const SERVICES: [(&str, &str); 6] = [
    ("shop", env!("CARGO_BIN_EXE_shop")),
    ("orders", env!("CARGO_BIN_EXE_solo-orders")),
    ("inventory", env!("CARGO_BIN_EXE_solo-inventory")),
    ("billing", env!("CARGO_BIN_EXE_solo-billing")),
    ("payments", env!("CARGO_BIN_EXE_solo-payments")),
    ("notifications", env!("CARGO_BIN_EXE_solo-notifications")),
];

fn validate(name: &str, text: &str) -> Output {
    let document = scratch().join(format!("openapi-{name}.json"));
    std::fs::write(&document, text).expect("a file");
    let output = python("openapi_spec_validator").args(["--schema", "3.1"]).arg(document).output();
    output.unwrap_or_else(|error| panic!("the Python of COMMS_TEST_OPENAPI_PYTHON does not run: {error}"))
}

#[test]
fn the_document_of_every_service_is_valid() {
    for (name, binary) in SERVICES {
        let output = validate(name, &printed(binary, &["openapi"]));
        assert!(output.status.success() && said(&output).contains("OK"), "{name}: {}", said(&output));
    }
}

#[test]
fn the_validator_would_notice_a_mistake() {
    let text = printed(env!("CARGO_BIN_EXE_solo-orders"), &["openapi"]);
    for (right, wrong) in
        [("\"in\": \"path\"", "\"in\": \"street\""), ("#/components/schemas/PlaceOrderError", "#/components/schemas/Nowhere")]
    {
        assert!(text.contains(right), "{right} is not in {text}");
        let output = validate("wrong", &text.replace(right, wrong));
        assert!(!output.status.success(), "{wrong}: {}", said(&output));
    }
}

#[test]
fn the_methods_of_a_contract_are_operations_with_all_that_the_contract_says() {
    let document: Value = serde_json::from_str(&printed(env!("CARGO_BIN_EXE_solo-orders"), &["openapi"])).expect("JSON");
    let place = &document["paths"]["/orders"]["post"];
    assert_eq!(place["operationId"], "orders.place_order");
    assert_eq!(place["summary"], "Places an order. Safe to repeat: an order id that is known already is not placed twice.");
    assert_eq!((&place["x-idempotent"], &place["x-comms-timeout"]), (&json!(true), &json!("10s")));
    let statuses: Vec<&String> = place["responses"].as_object().expect("answers").keys().collect();
    assert_eq!(statuses, ["201", "400", "408", "409", "413", "415", "422", "503", "default"]);
    let when = |status: &str| place["responses"][status]["description"].as_str().expect("a description").to_owned();
    assert_eq!(when("503"), "The order could not be made known to the other services: place it again.");
    assert!(when("422").starts_with("An order of nothing. Or: The body is JSON of another shape"), "{}", when("422"));
    assert_eq!(place["responses"]["201"]["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Order");
    // A problem, with the error of the method as data in it.
    let problem = &place["responses"]["default"]["content"]["application/problem+json"]["schema"]["allOf"];
    assert_eq!(*problem, place["responses"]["409"]["content"]["application/problem+json"]["schema"]["allOf"]);
    assert_eq!(problem[0]["$ref"], "#/components/schemas/Problem");
    assert_eq!(problem[1]["properties"]["error"]["$ref"], "#/components/schemas/PlaceOrderError");
    let error = document["components"]["schemas"]["PlaceOrderError"].to_string();
    for variant in ["Empty", "Unavailable", "NotAccepted", "The inventory does not have it, or not so many."] {
        assert!(error.contains(variant), "{variant} is not in {error}");
    }
    assert_eq!(document["components"]["schemas"]["PlaceOrder"]["properties"]["quantity"]["minimum"], 1);

    let find = &document["paths"]["/orders/{order_id}"]["get"];
    assert_eq!((&find["summary"], &find["x-idempotent"]), (&json!("Says how far an order is."), &Value::Null));
    assert_eq!((&find["parameters"][0]["name"], &find["parameters"][0]["in"]), (&json!("order_id"), &json!("path")));
    let error = &find["responses"]["default"]["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["error"];
    assert_eq!(error["$ref"], "#/components/schemas/UnknownOrder");
}
