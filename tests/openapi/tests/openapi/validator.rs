//! The printed document is valid in the eyes of the validator of the OpenAPI community.

use std::path::Path;
use std::process::Output;

use crate::shelf::sample;
use crate::tools::{Scratch, python};

fn validate(document: &Path) -> Output {
    let output = python("openapi_spec_validator").args(["--schema", "3.1"]).arg(document).output();
    output.unwrap_or_else(|error| panic!("the Python of COMMS_TEST_OPENAPI_PYTHON does not run: {error}"))
}

#[test]
fn the_printed_document_is_valid() {
    let output = validate(&sample());
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("OK"), "{output:?}");
}

#[test]
fn the_validator_would_notice_a_mistake() {
    let text = std::fs::read_to_string(sample()).expect("it is there");
    let mistakes = [
        ("\"in\": \"path\"", "\"in\": \"street\"", "\"street\" is not one of"),
        ("\"books.find\"", "\"books.list\"", "is not unique"),
        ("\"/books/{id}\"", "\"/books/{number}\"", "'number'"),
        ("#/components/schemas/BookId", "#/components/schemas/BookNumber", "'/components/schemas/BookNumber' does not exist"),
    ];
    let scratch = Scratch::new();
    for (right, wrong, said) in mistakes {
        assert!(text.contains(right), "{right}");
        let output = validate(&scratch.write("wrong.json", &text.replace(right, wrong)));
        let found = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && found.contains(said), "{wrong}: {output:?}");
    }
}
