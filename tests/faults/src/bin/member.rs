//! A member in a process of its own, to be killed: `member URL`, `member URL ordered`, or `member URL transactional`.
//!
//! Prints `ready`, then a line for each attempt when it begins and when it has succeeded: `begin KEY NUMBER`, `done KEY NUMBER`. The
//! key says what the handler does.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use comms::Classified;
use comms_faults::parts::{Forwarder, Job, Outcome, Script, Sorted, Worker, scripted};
use comms_faults::record::Seen;
use comms_faults::world::configured;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(url) = std::env::args().nth(1) else {
        say("usage: member URL [ordered|transactional]");
        return ExitCode::FAILURE;
    };
    // What it has to say beside the lines that are read: errors, or what `RUST_LOG` says.
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
    let attempts = Seen::default();
    let script = Script::new(move |job| handle(job, attempts.clone()));
    let app = match std::env::args().nth(2).as_deref() {
        Some("ordered") => scripted::<Sorted>(script),
        Some("transactional") => scripted::<Forwarder>(script),
        _ => scripted::<Worker>(script),
    };
    let app = app.config(configured(&url)).start().await;
    let _app = match app {
        Ok(app) => app,
        Err(error) => {
            say(&error.to_string());
            return ExitCode::FAILURE;
        }
    };
    say("ready");
    std::future::pending::<()>().await;
    ExitCode::SUCCESS
}

async fn handle(job: Job, attempts: Seen) -> Outcome {
    say(&format!("begin {}", job.label()));
    attempts.add(job.label());
    match job.key.as_str() {
        "poison" => std::process::abort(),
        "hold" => tokio::time::sleep(Duration::from_millis(900)).await,
        "flaky" if attempts.tally()[&job.label()] < 3 => return Err(Classified::retryable("not yet")),
        "doomed" => return Err(Classified::permanent("never")),
        _ => tokio::time::sleep(Duration::from_millis(2)).await,
    }
    say(&format!("done {}", job.label()));
    Ok(())
}

/// Writes the line at once: the process may be killed after it.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
