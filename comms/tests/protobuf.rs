//! The Protobuf codec: a prost message as an event, from the publisher to the handler.
#![cfg(feature = "protobuf")]

use std::sync::Arc;

use comms::message::{CodecError, Envelope, Metadata};
use comms::testing::TestApp;
use comms::{AppBuilder, Message, event, event_handler};

/// As prost-build writes it.
#[event(name = "test.measured", version = 1, topic = "measurements", key = sensor, codec = "protobuf")]
#[derive(Clone, PartialEq, prost::Message)]
pub struct Measured {
    /// Which sensor.
    #[prost(string, tag = "1")]
    pub sensor: String,
    /// What it measured.
    #[prost(sint64, tag = "2")]
    pub value: i64,
}

type Seen = Arc<std::sync::Mutex<Vec<Measured>>>;

#[event_handler(service = "recorder")]
async fn on_measured(event: Measured, seen: Seen) {
    seen.lock().unwrap().push(event);
}

fn measured() -> Measured {
    Measured { sensor: "t-1".into(), value: -40 }
}

#[tokio::test]
async fn a_prost_message_travels_as_protobuf() {
    let seen = Seen::default();
    let app = AppBuilder::new("test").event_function::<comms::handler!(on_measured)>("recorder").provide(Arc::clone(&seen));
    let app = TestApp::with(app).start().await.unwrap();
    app.publish(&measured()).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [measured()]);
    let published = &app.brokers()[0].published()[0].envelope;
    assert_eq!(published.metadata.content_type.as_deref(), Some("application/protobuf"));
    assert_eq!(published.payload[..], prost::Message::encode_to_vec(&measured()));
}

#[tokio::test]
async fn json_for_a_protobuf_type_is_a_dead_letter_that_names_both() {
    let app = AppBuilder::new("test").event_function::<comms::handler!(on_measured)>("recorder").provide(Seen::default());
    let app = TestApp::with(app).start().await.unwrap();
    let mut metadata = Metadata::new("test.measured", "stranger".into());
    metadata.content_type = Some("application/json".into());
    app.publish_envelope("default", Envelope::new("measurements".into(), metadata, "{}".into())).await.unwrap();
    app.assert_dead_lettered("on_measured", 1);
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    let error = <Measured as Message>::decode(Some("application/protobuf"), b"\xff").unwrap_err();
    assert!(matches!(error, CodecError::Decode { .. }), "{error}");
    assert!(error.to_string().contains("test.measured"), "{error}");
}
