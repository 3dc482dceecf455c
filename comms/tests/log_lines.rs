//! What the log says of a message. A program of its own with one test: subscribers of single threads disturb each other.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use comms::handler::Outcome;
use comms::telemetry::JsonLines;
use comms::testing::TestApp;
use comms::{Class, Fault};
use support::{Job, scripted};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;

fn failing(times: u32) -> impl Fn(Job) -> std::future::Ready<Outcome> {
    let failures = AtomicU32::new(0);
    move |_| {
        std::future::ready(if failures.fetch_add(1, Ordering::SeqCst) < times {
            Err(Fault::new(Class::Retryable, "no luck"))
        } else {
            Ok(())
        })
    }
}

/// What the log says meanwhile, a JSON object a line.
async fn logged(filter: &str, script: impl Fn(Job) -> std::future::Ready<Outcome> + Send + Sync + 'static) -> Vec<serde_json::Value> {
    let written = Arc::new(Mutex::new(Vec::new()));
    let writer = Written(Arc::clone(&written));
    let lines = tracing_subscriber::registry().with(EnvFilter::new(filter)).with(JsonLines::new(move || writer.clone()));
    let listening = tracing::subscriber::set_default(lines);
    let app = TestApp::with(scripted::<8, _>(script)).start().await.unwrap();
    app.publish(&Job::new("a", 1)).await.unwrap();
    app.assert_handled("on_job", 1);
    drop(listening);
    let written = written.lock().unwrap();
    written.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

#[derive(Clone)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn every_line_about_a_message_has_its_ids_the_pipelines_own_too() {
    for (filter, span) in [("info", None), ("info,comms::process=debug", Some("process"))] {
        let retried = failing(1);
        let lines = logged(filter, move |job| {
            tracing::info!("trying");
            retried(job)
        })
        .await;
        let told: Vec<&serde_json::Value> =
            lines.iter().filter(|line| ["trying", "attempt failed"].iter().any(|text| line["message"] == *text)).collect();
        assert_eq!(told.len(), 3, "two attempts, one failure: {lines:#?}");
        for line in told {
            assert_eq!((&line["comms.service"], &line["comms.handler"]), (&"worker".into(), &"on_job".into()), "{line}");
            assert_eq!(line["messaging.destination.name"], "jobs", "{line}");
            assert_eq!(line["correlation_id"], line["messaging.message.id"], "it began the conversation: {line}");
            assert_eq!(line["trace_id"].as_str().map(str::len), Some(32), "{line}");
            assert_eq!(line.get("span").and_then(|span| span.as_str()), span, "{line}");
        }
    }
}
