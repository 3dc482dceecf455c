//! The documents that `asyncapi` prints are valid in the eyes of AsyncAPI's own parser.
//!
//! Needs Node and `@asyncapi/parser`; `./test` installs both and names the folder in `COMMS_TEST_NODE_MODULES`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn validate(document: &Path) -> Output {
    let modules = std::env::var("COMMS_TEST_NODE_MODULES").unwrap_or_default();
    assert!(
        !modules.is_empty(),
        "COMMS_TEST_NODE_MODULES is not set: it names the node_modules folder that has @asyncapi/parser. Run this through `./test`, or `COMMS_TEST_NODE_MODULES=$(tests/servers/install-asyncapi-parser) cargo test`"
    );
    let output = Command::new("node").arg(folder().join("validate.cjs")).arg(document).env("NODE_PATH", modules).output();
    let output = output.unwrap_or_else(|error| panic!("could not run `node`, which the parser needs: {error}; `./test` installs it"));
    assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn the_printed_document_is_valid() {
    let output = validate(&folder().join("sample.json"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("3 operations, 2 messages"), "{output:?}");
}

#[test]
fn the_parser_would_notice_a_mistake() {
    let text = std::fs::read_to_string(folder().join("sample.json")).unwrap();
    let wrong: PathBuf = std::env::temp_dir().join(format!("comms-asyncapi-{}.json", std::process::id()));
    std::fs::write(&wrong, text.replace("\"action\": \"receive\"", "\"action\": \"listen\"")).unwrap();
    let output = validate(&wrong);
    std::fs::remove_file(&wrong).unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
