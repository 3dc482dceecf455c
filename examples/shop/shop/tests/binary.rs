//! The program that `cargo run -p shop` starts.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use comms::testing::servers::Port;

const SOON: Duration = Duration::from_secs(60);

#[test]
fn it_shows_orders_that_are_placed_and_shipped_and_ends_when_it_is_asked_to() {
    let port = Port::reserve().expect("a port");
    let mut shop = Command::new(env!("CARGO_BIN_EXE_shop"))
        .env("COMMS__ADMIN__ENABLED", "false")
        .env("COMMS__HTTP__ADDRESS", format!("127.0.0.1:{}", port.number()))
        .env("COMMS__CLIENTS__PAYMENT_PROVIDER__ADDRESSES", format!("http://127.0.0.1:{}", port.number()))
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let output = BufReader::new(shop.stdout.take().expect("its output"));
    let (tell, told) = mpsc::channel();
    let reading = std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| drop(tell.send(line))));
    let (begun, mut seen) = (Instant::now(), String::new());
    while !(seen.contains("placed") && seen.contains("shipped")) && begun.elapsed() < SOON {
        if let Ok(line) = told.recv_timeout(SOON) {
            seen.push_str(&line);
            seen.push('\n');
        }
    }
    let asked = Command::new("kill").args(["-INT", &shop.id().to_string()]).status().expect("`kill` runs");
    let ended = shop.wait().expect("it ends");
    reading.join().expect("its output ends");
    assert!(seen.contains("placed") && seen.contains("shipped"), "no order went through the shop:\n{seen}");
    assert!(asked.success() && ended.success(), "{ended}");
}

/// With all that the attributes say of real messages. Needs what `./test` installs, as `tests/asyncapi` does.
#[test]
fn the_document_that_it_prints_is_valid_asyncapi() {
    let modules = std::env::var("COMMS_TEST_NODE_MODULES").unwrap_or_default();
    assert!(!modules.is_empty(), "COMMS_TEST_NODE_MODULES is not set: run this through `./test`");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let printed = Command::new(env!("CARGO_BIN_EXE_shop")).arg("asyncapi").current_dir(folder).output().expect("it runs");
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let text = String::from_utf8(printed.stdout).expect("text");
    for doc in ["An order was paid; this is its invoice.", "Counted per customer, from 1 and without gaps."] {
        assert!(text.contains(doc), "doc comments are descriptions: {text}");
    }
    let document = folder.join("asyncapi.json");
    std::fs::write(&document, text).expect("a file");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/asyncapi/validate.cjs");
    let parsed = Command::new("node").arg(script).arg(&document).env("NODE_PATH", modules).output().expect("`node` runs");
    assert!(parsed.status.success(), "{}{}", String::from_utf8_lossy(&parsed.stdout), String::from_utf8_lossy(&parsed.stderr));
}
