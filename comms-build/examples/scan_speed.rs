//! How long the build script takes for 200 handlers in 50 files:
//! `cargo run --release -p comms-build --example scan_speed`

#![allow(clippy::print_stdout, reason = "a program whose purpose is to print a table")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const FILES: usize = 50;
const HANDLERS: usize = 4;
const ROUNDS: usize = 30;

fn main() -> Result<(), Box<dyn Error>> {
    let package = Package::write()?;
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| round(&package.0)).collect::<Result<_, _>>()?;
    times.sort_unstable();
    println!("{} handlers in {FILES} files, {} rounds: scan, check, generate", FILES * HANDLERS, times.len());
    println!("  best   {:>8.2?}\n  median {:>8.2?}\n  worst  {:>8.2?}", times[0], times[ROUNDS / 2], times[ROUNDS - 1]);
    Ok(())
}

fn round(package: &Path) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    let generated = comms_build::configure().generate(package);
    let taken = start.elapsed();
    let wired = generated.files.iter().map(|(_, text)| text.matches("app.event_handler::<").count()).sum::<usize>();
    if !generated.diagnoses.is_empty() || wired != FILES * HANDLERS {
        return Err(format!("{wired} handlers wired, {:#?}", generated.diagnoses).into());
    }
    Ok(taken)
}

/// The sources, gone when dropped.
struct Package(PathBuf);

impl Package {
    fn write() -> Result<Self, Box<dyn Error>> {
        let package = Self(std::env::temp_dir().join(format!("comms-scan-speed-{}", std::process::id())));
        std::fs::create_dir_all(package.0.join("src"))?;
        std::fs::write(package.0.join("Cargo.toml"), "[package]\nname = \"speed\"\n")?;
        let modules: String = (0..FILES).map(|file| format!("pub mod m{file};\n")).collect();
        std::fs::write(package.0.join("src/lib.rs"), modules + "comms::wiring!();\n")?;
        for file in 0..FILES {
            std::fs::write(package.0.join(format!("src/m{file}.rs")), module(file))?;
        }
        Ok(package)
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        // What can't be removed is the temporary folder's to lose.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A service with its events and handlers, each with a body of ten lines.
fn module(file: usize) -> String {
    let mut text = "use comms::{event, event_handler, service, Publisher};\nuse super::*;\n\n".to_owned();
    for handler in 0..HANDLERS {
        text += &format!(
            "/// What happened.\n#[event(name = \"m{file}.event-{handler}\", version = 1, topic = \"m{file}\", key = id)]\n\
             #[derive(Clone, Debug)]\npub struct Event{handler} {{ pub id: u64, pub name: String, pub values: Vec<u8> }}\n\n"
        );
    }
    text += &format!(
        "#[service(name = \"s{file}\", version = \"1.0.0\", subscribe(\"m{file}\", concurrency = 8))]\npub struct Service {{ events: Publisher<Event0> }}\n\n#[service]\nimpl Service {{\n"
    );
    for handler in 0..HANDLERS {
        let body = "        if event.values.iter().any(|value| *value > 3) { self.note(&event.name).await?; }\n".repeat(10);
        text += &format!(
            "    #[event_handler(retry(max = 5, backoff = \"100ms..30s\"), timeout = \"5s\")]\n\
             \x20   async fn on_{handler}(&self, event: Event{handler}) -> Result<(), Error> {{\n{body}        Ok(())\n    }}\n\n"
        );
    }
    text + "}\n"
}
