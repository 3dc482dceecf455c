//! A fuzzer reads the document, and holds the running service to it.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::shelf::{Shelf, folder, sample};
use crate::tools::{Scratch, python};

/// The same requests in every run, unless `COMMS_TEST_SEED` says otherwise.
fn seed() -> String {
    std::env::var("COMMS_TEST_SEED").unwrap_or_else(|_| "1".to_owned())
}

/// Sends requests that fit the document and requests that don't: no answer may be a 5xx, none another than the document says, and
/// a request is taken where it fits, and refused where it does not.
fn fuzz(document: &Path, more: &[&str], scratch: &Scratch) -> (Output, String) {
    let shelf = Shelf::start();
    let mut fuzzer = python("schemathesis.cli");
    let scripts = folder().join("scripts");
    fuzzer.arg("--config-file").arg(scripts.join("schemathesis.toml")).args(["--no-color", "run"]).arg(document);
    fuzzer.args(["--url", &shelf.http, "--seed", &seed()]).args(more);
    // It leaves what it has found where it runs.
    let output = fuzzer.current_dir(&scratch.0).env("SCHEMATHESIS_HOOKS", scripts.join("hooks.py")).env("PYTHONHASHSEED", "0").output();
    let output = output.unwrap_or_else(|error| panic!("the Python of COMMS_TEST_OPENAPI_PYTHON does not run: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, said)
}

#[test]
fn the_running_service_keeps_what_its_document_promises() {
    // What a body of bytes is made of, and what a stream brings, is not for a document to say.
    let (output, said) = fuzz(&sample(), &["--max-examples", "40", "--exclude-tag", "studio"], &Scratch::new());
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Tested: 12"), "{said}");
}

#[test]
fn the_fuzzer_would_notice_a_broken_promise() {
    let text = std::fs::read_to_string(sample()).expect("it is there");
    let document: Value = serde_json::from_str(&text).expect("it is JSON");
    let promises = [
        ("an answer with one member more", "/components/schemas/Page/required", json!(["items", "total"])),
        ("an answer of another type", "/components/schemas/Page/properties/items/type", json!("object")),
        ("one word more for an argument", "/components/schemas/Genre/enum", json!(["novel", "poetry", "non-fiction", "drama"])),
        ("larger numbers for an argument", "/paths/~1books/get/parameters/3/schema/maximum", json!(100_000)),
    ];
    let scratch = Scratch::new();
    for (promise, at, broken) in promises {
        let mut document = document.clone();
        *document.pointer_mut(at).unwrap_or_else(|| panic!("{promise}: there is no {at}")) = broken;
        let document = scratch.write("broken.json", &document.to_string());
        let chosen = ["--include-operation-id", "books.list", "--phases", "fuzzing", "--max-failures", "1", "--no-shrink"];
        let (output, said) = fuzz(&document, &chosen, &scratch);
        assert_eq!(output.status.code(), Some(1), "{promise}: {said}");
        assert!(said.contains("GET /books"), "{promise}: {said}");
    }
}
