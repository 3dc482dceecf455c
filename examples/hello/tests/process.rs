//! What somebody sees who starts it, and stops it again.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

#[test]
fn it_greets_and_ends_when_it_is_asked_to() {
    let mut hello = Command::new(env!("CARGO_BIN_EXE_hello"))
        .env("COMMS__ADMIN__ADDRESS", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let output = BufReader::new(hello.stdout.take().expect("its output"));
    let (tell, told) = mpsc::channel();
    let reading = std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| drop(tell.send(line))));
    let first = told.recv_timeout(SOON);
    let asked = Command::new("kill").args(["-TERM", &hello.id().to_string()]).status().expect("`kill` runs");
    let ended = hello.wait().expect("it ends");
    reading.join().expect("its output ends");
    assert_eq!(first.as_deref(), Ok("Hello, world!"));
    assert!(asked.success() && ended.success(), "{ended}");
}
