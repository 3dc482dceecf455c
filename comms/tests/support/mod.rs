//! Wiring by hand: what the attributes would write, for tests of the runtime alone.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::sync::{Arc, Mutex};

use comms::handler::{EventHandler, Free, HandlerDecl, Location, Outcome};
use comms::inject::{InjectError, Scope};
use comms::message::{MessageKind, MessageType, codec};
use comms::{AppBuilder, Event};
use serde::{Deserialize, Serialize};

/// What the handlers of a test did, in order.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn add(&self, entry: impl Into<String>) {
        self.0.lock().unwrap().push(entry.into());
    }

    pub fn entries(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A message in JSON, as an attribute would make one.
macro_rules! json_message {
    ($message:ident, $type:expr, $key:expr) => {
        impl comms::Message for $message {
            const TYPE: comms::message::MessageType = $type;

            fn key(&self) -> Option<String> {
                let key: fn(&Self) -> Option<String> = $key;
                key(self)
            }

            fn encode(&self) -> Result<bytes::Bytes, comms::message::CodecError> {
                comms::message::codec::json_encode(Self::TYPE.name, self)
            }

            fn decode(content_type: Option<&str>, payload: &[u8]) -> Result<Self, comms::message::CodecError> {
                comms::message::codec::json_decode(Self::TYPE.name, content_type, payload)
            }

            fn schema() -> Option<schemars::Schema> {
                None
            }
        }
    };
}

macro_rules! message_type {
    ($name:literal, $version:literal, $kind:ident, $topic:literal, $owner:expr, $path:literal) => {
        MessageType {
            name: $name,
            version: $version,
            kind: MessageKind::$kind,
            topic: $topic,
            broker: "default",
            content_type: codec::JSON,
            owner: $owner,
            key: None,
            doc: "",
            rust_path: $path,
        }
    };
}

/// An event with a key and a script that says what its handler shall do with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub key: String,
    #[serde(deserialize_with = "number")]
    pub number: u32,
}

fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = u32::deserialize(deserializer)?;
    assert_ne!(number, Job::PANICS, "no job is read");
    Ok(number)
}

impl Job {
    /// Decoding a job of this number panics.
    pub const PANICS: u32 = u32::MAX;

    pub fn new(key: &str, number: u32) -> Self {
        Self { key: key.to_owned(), number }
    }
}

json_message!(Job, message_type!("test.job", 2, Event, "jobs", None, "support::Job"), |job| Some(job.key.clone()));

impl Event for Job {}

/// What the handler of a test does with a job; set per test.
pub type Script = Arc<dyn Fn(Job) -> futures_util::future::BoxFuture<'static, Outcome> + Send + Sync>;

/// A handler that does what the script says.
pub struct Scripted<const RETRIES: u32>;

impl<const RETRIES: u32> EventHandler for Scripted<RETRIES> {
    type Service = Free;
    type Event = Job;
    type Args = (Script,);
    const DECL: HandlerDecl = HandlerDecl::new("on_job", Location::new(file!(), line!()))
        .retry(comms::handler::RetryDecl::DEFAULT.max(RETRIES))
        .timeout(std::time::Duration::from_secs(5));

    fn inject(scope: &Scope) -> Result<Self::Args, InjectError> {
        Ok((scope.get()?,))
    }

    async fn call(_: &Free, event: Job, (script,): Self::Args) -> Outcome {
        script(event).await
    }
}

/// An application whose one handler does what the script says.
pub fn scripted<const RETRIES: u32, F>(script: impl Fn(Job) -> F + Send + Sync + 'static) -> AppBuilder
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let script: Script = Arc::new(move |job| Box::pin(script(job)));
    AppBuilder::new("test").event_function::<Scripted<RETRIES>>("worker").provide(script)
}
