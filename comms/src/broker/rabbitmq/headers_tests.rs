use rand::RngExt;
use rand::rngs::SmallRng;

use super::*;
use crate::message::TraceParent;

fn delivery(routing_key: &str, properties: BasicProperties, data: &[u8]) -> Delivery {
    let mut delivery = Delivery::mock(1, "comms".into(), routing_key.into(), false, data.to_vec());
    delivery.properties = properties;
    delivery
}

fn read_back(routing_key: &str, properties: BasicProperties, data: &[u8]) -> Read {
    read(delivery(routing_key, properties, data), |topic| Arc::from(topic))
}

/// Text that is empty, long, of several scripts, or with bytes that protocols like to trip over.
fn any_text(random: &mut impl RngExt) -> String {
    let letters = ['a', 'Z', '0', ' ', '"', '\\', '\0', '\n', ':', '%', 'ü', '→', '🦀'];
    let length = [0, 1, 7, 300][random.random_range(0..4)];
    (0..length).map(|_| letters[random.random_range(0..letters.len())]).collect()
}

fn maybe<T>(random: &mut impl RngExt, value: impl FnOnce(&mut dyn FnMut() -> String) -> T) -> Option<T> {
    let present = random.random_bool(0.5);
    present.then(|| value(&mut || any_text(random)))
}

fn any_metadata(random: &mut impl RngExt) -> Metadata {
    let mut metadata = Metadata::new(any_text(random), any_text(random).into());
    metadata.id = maybe(random, |text| Id::parse(&text())).unwrap_or_default();
    metadata.version = random.random();
    metadata.content_type = maybe(random, |text| text().into());
    metadata.correlation = maybe(random, |text| Id::parse(&text()));
    metadata.causation = maybe(random, |_| Id::new());
    metadata.key = maybe(random, |text| text().into());
    metadata.deadline = maybe(random, |_| Timestamp::now());
    metadata.trace = maybe(random, |_| TraceParent::root());
    metadata.trace_state = maybe(random, |text| text().into());
    metadata.attempt = random.random_range(0..3);
    for n in 0..random.random_range(0..4) {
        metadata.extensions.insert(format!("ext{n}"), any_text(random));
    }
    metadata
}

#[test]
fn any_message_survives_publishing_and_any_number_of_copies() {
    let mut random = rand::make_rng::<SmallRng>();
    for _ in 0..500 {
        let envelope = Envelope::new("shop.orders".into(), any_metadata(&mut random), Bytes::from(any_text(&mut random)));
        let published = read_back("shop.orders", write_published(&envelope.metadata), &envelope.payload);
        assert_eq!(published.envelope, envelope);
        assert!(published.foreign.is_none(), "ours has nothing else to keep");
        let extra = [(PROVENANCE, "{}".to_owned())];
        let copied = read_back("some.queue.dlq", write_copy(&envelope, None, &extra), &envelope.payload);
        assert_eq!((copied.envelope, copied.provenance.as_deref()), (envelope, Some("{}")));
    }
}

#[test]
fn the_bucket_of_a_key_never_changes() {
    let mut metadata = Metadata::foreign(Id::new());
    metadata.key = Some("o-1".into());
    let properties = write_published(&metadata);
    let headers = properties.headers().as_ref().unwrap();
    let expected = AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::LongString("@40".into())]));
    assert_eq!(headers.inner().get(BUCKET), Some(&expected));
}

#[test]
fn what_a_foreign_producer_added_stays_on_copies_but_what_would_harm_does_not() {
    let mut headers = FieldTable::default();
    headers.insert("x-tenant".into(), AMQPValue::LongLongInt(7));
    headers.insert("x-death".into(), AMQPValue::FieldArray(FieldArray::default()));
    headers.insert("CC".into(), AMQPValue::FieldArray(FieldArray::default()));
    let properties = BasicProperties::default()
        .with_headers(headers)
        .with_reply_to("r".into())
        .with_expiration("10".into())
        .with_user_id("them".into())
        .with_correlation_id("c".into());
    let Read { envelope, foreign, .. } = read_back("t", properties, b"raw");
    assert_eq!(envelope.metadata.correlation, Some(Id::parse("c")));
    let copy = write_copy(&envelope, foreign.as_deref(), &[]);
    let kept = copy.headers().as_ref().unwrap().inner();
    assert_eq!(kept.get("x-tenant"), Some(&AMQPValue::LongLongInt(7)));
    assert!(!kept.contains_key("x-death") && !kept.contains_key("CC"));
    assert_eq!(
        (copy.reply_to().as_ref().map(ToString::to_string), copy.expiration(), copy.user_id()),
        (Some("r".to_owned()), &None, &None)
    );
}

#[test]
fn both_spellings_of_the_prefix_and_values_that_are_no_text_are_read() {
    let mut headers = FieldTable::default();
    headers.insert("cloudEvents_id".into(), AMQPValue::LongString("one".into()));
    headers.insert("cloudEvents:typeversion".into(), AMQPValue::LongUInt(4));
    headers.insert("cloudEvents:time".into(), AMQPValue::Timestamp(0));
    headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongLongInt(5));
    let read = read_back("t", BasicProperties::default().with_headers(headers), b"");
    let metadata = &read.envelope.metadata;
    assert_eq!((metadata.id.to_string().as_str(), metadata.version, metadata.time), ("one", 4, Some(Timestamp::UNIX_EPOCH)));
    assert_eq!(read.redelivered, 5);
}

#[test]
fn headers_that_do_not_fit_into_a_frame_are_noticed() {
    let mut metadata = Metadata::foreign(Id::new());
    assert!(headers_fit(&metadata));
    metadata.extensions.insert("n".repeat(250), String::new());
    assert!(!headers_fit(&metadata));
    metadata.extensions.clear();
    metadata.trace_state = Some("x".repeat(MAX_HEADERS).into());
    assert!(!headers_fit(&metadata));
}
