//! A fuzzer holds the running shop to the document that it serves.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::process::{Shop, python, root, said, scratch};

/// The document that the admin port serves.
fn served(shop: &Shop) -> String {
    let output =
        std::process::Command::new("curl").args(["-sSf", &format!("http://{}/openapi.json", shop.admin)]).output().expect("`curl` runs");
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// Sends requests that fit the document and requests that don't: no answer may be a 5xx, but for the 503 of the payment provider, which its
/// document promises; none another than the document says, and a request is taken where it fits, and refused where it does not.
fn fuzz(shop: &Shop, document: &Path, more: &[&str]) -> Output {
    let (scripts, expectations) = (root().join("tests/openapi/scripts"), root().join("examples/shop/shop/tests/http/fuzz.toml"));
    let folder = scratch().join("schemathesis");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut fuzzer = python("schemathesis.cli");
    fuzzer
        .arg("--config-file")
        .arg(expectations)
        .args(["--no-color", "run"])
        .arg(document)
        .args(["--url", &format!("http://{}", shop.http)]);
    // The same requests in every run, unless `COMMS_TEST_SEED` says otherwise.
    let seed = std::env::var("COMMS_TEST_SEED").unwrap_or_else(|_| "1".to_owned());
    fuzzer
        .args(["--seed", &seed])
        .args(more)
        .current_dir(folder)
        .env("SCHEMATHESIS_HOOKS", scripts.join("hooks.py"))
        .env("PYTHONHASHSEED", "0");
    fuzzer.output().unwrap_or_else(|error| panic!("the Python of COMMS_TEST_OPENAPI_PYTHON does not run: {error}"))
}

#[test]
fn the_running_shop_keeps_what_its_document_promises() {
    let shop = Shop::start();
    let document = scratch().join("shop-served.json");
    std::fs::write(&document, served(&shop)).expect("a file");
    let output = fuzz(&shop, &document, &["--max-examples", "60"]);
    assert!(output.status.success() && said(&output).contains("Tested: 3"), "{}", said(&output));
}

#[test]
fn the_fuzzer_would_notice_a_broken_promise() {
    let shop = Shop::start();
    let document: Value = serde_json::from_str(&served(&shop)).expect("JSON");
    for (promise, at, broken) in [
        ("an order of nothing is taken", "/components/schemas/PlaceOrder/properties/quantity/minimum", json!(0)),
        ("an answer with one member more", "/components/schemas/Order/required", json!(["order_id", "status", "price"])),
        ("a charge with one member more", "/components/schemas/Charge/required", json!(["charge", "reference", "until"])),
    ] {
        let mut document = document.clone();
        *document.pointer_mut(at).unwrap_or_else(|| panic!("{promise}: there is no {at}")) = broken;
        let path = scratch().join("shop-broken.json");
        std::fs::write(&path, document.to_string()).expect("a file");
        let output = fuzz(&shop, &path, &["--max-examples", "100", "--max-failures", "1", "--no-shrink"]);
        assert_eq!(output.status.code(), Some(1), "{promise}: {}", said(&output));
    }
}
