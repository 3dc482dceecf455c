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
        ("a place that is none", "\"in\": \"path\"", "\"in\": \"street\""),
        ("an id twice", "\"books.find\"", "\"books.list\""),
        ("a parameter that the path does not have", "\"/books/{id}\"", "\"/books/{number}\""),
        ("a reference to nothing", "\"#/components/schemas/BookId\"", "\"#/components/schemas/BookNumber\""),
    ];
    let scratch = Scratch::new();
    for (mistake, right, wrong) in mistakes {
        assert!(text.contains(right), "{mistake}");
        let output = validate(&scratch.write("wrong.json", &text.replace(right, wrong)));
        assert_eq!(output.status.code(), Some(1), "{mistake}: {output:?}");
    }
}
