//! Prometheus' own tool, which `./test` installs.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// It reads the text and has nothing to say against it.
pub(crate) fn check(text: &str) {
    let started =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut promtool = started.expect("`promtool` is on PATH: `./test --install` installs Debian's package `prometheus`");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success() && out.is_empty() && err.is_empty(), "{}: {out}{err}\n{text}", said.status);
}
