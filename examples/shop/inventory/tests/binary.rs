//! The service as a process of its own.

use std::process::Command;

#[test]
fn the_binary_says_what_is_wired() {
    let output = Command::new(env!("CARGO_BIN_EXE_shop-inventory")).arg("wiring").output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("inventory"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
