//! Answers of every kind, from the service that implements a contract to its client.

use std::time::Duration;

use comms::client::{CallError, Client as _, Settings, StreamError, StreamErrorKind};
use comms::config::ClientConfig;
use comms::http::{ByteStream, Event, EventStream, With};
use comms::testing::Fake as _;
use comms::testing::proxy::Proxy;
use comms::{BoxError, Class, Classify as _};
use futures_util::stream::{self, StreamExt as _};

use super::media::*;

fn ada() -> Login {
    Login { user: "ada".to_owned(), age: None, scope: Vec::new() }
}

fn stream_error(error: &BoxError) -> &StreamError {
    error.downcast_ref().unwrap_or_else(|| panic!("no error of a stream: {error:?}"))
}

#[tokio::test]
async fn status_and_headers_arrive_beside_the_value() {
    let app = serve(&Watch::new()).await;
    for media in clients(&app) {
        let placed = media.place(ada()).await.unwrap();
        assert_eq!((placed.value(), placed.status_code(), placed.header_text("location")), (&ada(), Some(201), Some("/logins/ada")));
        assert_eq!(placed.header_text("content-type"), Some("application/json"));
        assert_eq!(placed.into_value(), ada());
        let removed = media.remove("ada".to_owned()).await.unwrap();
        assert_eq!((removed.status_code(), removed.header_text("x-removed"), removed.value()), (Some(204), Some("ada"), &()));
        let table = media.table().await.unwrap();
        assert_eq!((table.status_code(), table.header_text("content-type")), (Some(203), Some("text/csv")));
        let pieces: Vec<_> = table.into_value().map(Result::unwrap).collect().await;
        assert_eq!(pieces.concat(), b"a,1\nb,2\n");
    }
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let watch = Watch::new();
    let app = serve(&watch).await;
    for media in clients(&app) {
        let mut events = media.events(5).await.unwrap();
        for number in 5..8_u64 {
            watch.go(1);
            let event = events.event().await.unwrap().expect("another one");
            assert_eq!(event, Event::data(number.to_string()).name("number").id(number.to_string()));
            assert_eq!(
                (event.parse::<u64>().unwrap(), event.name_text(), event.id_text()),
                (number, Some("number"), Some(&*number.to_string()))
            );
        }
        assert_eq!(watch.streams(), 1);
        drop(events);
        until("the service has seen it", || watch.streams() == 0).await;
    }
}

#[tokio::test]
async fn an_error_before_the_stream_is_the_error_of_the_service() {
    let app = serve(&Watch::new()).await;
    for media in clients(&app) {
        let missing = media.events(404).await.unwrap_err();
        assert_eq!(missing.refused(), Some(MediaError::Missing { name: "event".to_owned() }));
    }
}

#[tokio::test]
async fn a_stream_that_fails_at_the_service_has_no_end() {
    let watch = Watch::new();
    let app = serve(&watch).await;
    for media in clients(&app) {
        let mut events = media.events(98).await.unwrap();
        for number in ["98", "99"] {
            watch.go(1);
            assert_eq!(events.event().await.unwrap().unwrap().data_text(), Some(number));
        }
        watch.go(1);
        let error = events.event().await.unwrap_err();
        let broken = stream_error(&error);
        assert_eq!((broken.kind(), broken.class(), broken.target().method), (StreamErrorKind::Broken, Class::Unknown, "events"));
        let text = error.to_string();
        assert!(text.starts_with("the answer of `events` of `media` (GET /events, at ") && text.contains("broke off after "), "{text}");
        // Why it failed is the service's own affair.
        assert!(!text.contains("used up"), "{text}");
        until("the service has ended it", || watch.streams() == 0).await;
    }
}

#[tokio::test]
async fn a_server_that_dies_in_mid_stream_is_an_error_and_no_end() {
    let watch = Watch::new();
    let app = serve(&watch).await;
    let proxy = Proxy::start(app.http_address().unwrap()).await.unwrap();
    let media: MediaClient = over_port(&ClientConfig::at(format!("http://{}", proxy.addr())));
    watch.go(1);
    let mut events = media.events(1).await.unwrap();
    assert_eq!(events.event().await.unwrap().unwrap().id_text(), Some("1"));
    proxy.cut().await;
    let error = events.event().await.unwrap_err();
    assert_eq!(stream_error(&error).kind(), StreamErrorKind::Broken, "{error}");
    assert!(events.event().await.unwrap().is_none());
    until("the service has ended it", || watch.streams() == 0).await;
}

#[tokio::test]
async fn a_service_that_stops_ends_its_events_in_good_order() {
    let watch = Watch::new();
    let app = serve(&watch).await;
    let [media, ..] = clients(&app);
    watch.go(1);
    let mut events = media.events(1).await.unwrap();
    assert!(events.event().await.unwrap().is_some());
    app.shutdown().await;
    assert!(events.event().await.unwrap().is_none());
}

#[tokio::test]
async fn an_export_is_made_only_as_fast_as_it_is_taken() {
    let watch = Watch::new();
    let app = serve(&watch).await;
    let [over_port, in_process, over_http2] = clients(&app);
    for (media, bound) in [(in_process, 2 * PIECE as i64), (over_http2, 24 << 20), (over_port, 24 << 20)] {
        let mut export = media.export(PIECES).await.unwrap();
        let mut bytes = 0;
        while let Some(piece) = export.piece().await.unwrap() {
            watch.taken(piece.len());
            bytes += piece.len() as u64;
        }
        assert_eq!(bytes, PIECES * PIECE as u64);
        assert!(watch.most() <= bound, "{} bytes were in flight", watch.most());
        until("the service has ended it", || watch.streams() == 0).await;
    }
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_dropped_at_the_service() {
    let watch = Watch::new();
    let app = serve(&watch).await;
    for media in clients(&app) {
        let mut export = media.export(u64::MAX).await.unwrap();
        assert!(export.piece().await.unwrap().is_some());
        assert_eq!(watch.streams(), 1);
        drop(export);
        until("the service has seen it", || watch.streams() == 0).await;
        media.text("still".to_owned()).await.unwrap();
    }
}

/// Comments come every 15 seconds, and the client waits for 30.
#[tokio::test(start_paused = true)]
async fn a_stream_lives_as_long_as_anything_comes_whatever_the_time_of_the_call() {
    let fake = MediaFake::default();
    let late = |number: u64| {
        stream::once(async move {
            tokio::time::sleep(Duration::from_secs(100)).await;
            Event::data(number.to_string())
        })
    };
    fake.events()
        .answers(Ok(EventStream::of(late(1).chain(late(2)))))
        .answers(Ok(EventStream::of(late(1)).keep_alive(Duration::from_secs(40))));
    let mut config = ClientConfig::default();
    config.timeout = Some(Duration::from_secs(5));
    let media = MediaClient::over(fake.channel(), Settings::of("media", &config));
    let mut events = media.events(0).await.unwrap();
    for number in ["1", "2"] {
        assert_eq!(events.event().await.unwrap().unwrap().data_text(), Some(number));
    }
    assert!(events.event().await.unwrap().is_none());
    let error = media.events(0).await.unwrap().event().await.unwrap_err();
    assert_eq!(stream_error(&error).kind(), StreamErrorKind::Stalled);
    assert!(
        error.to_string().contains("stalled after 0 bytes: nothing more came within 30s, the `read_timeout` under [clients.media]"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_call_bounds_what_comes_before_a_stream() {
    let fake = MediaFake::default();
    fake.events().never_answers();
    let mut config = ClientConfig::default();
    config.timeout = Some(Duration::from_secs(5));
    let media = MediaClient::over(fake.channel(), Settings::of("media", &config));
    let error = media.events(0).await.unwrap_err();
    let late = matches!(&error, CallError::Deadline { .. }) || error.problem().is_some_and(|problem| problem.status() == 504);
    assert!(late, "{error:?}");
}

#[tokio::test]
async fn a_fake_answers_with_streams_and_with_status_and_headers() {
    let fake = MediaFake::default();
    let broken = stream::iter([Ok("one"), Err(BoxError::from("gone"))]);
    fake.export().answers(Ok(ByteStream::of(stream::iter(["one", "two"])))).answers(Ok(ByteStream::of(broken)));
    fake.export().always(|pieces| Err(MediaError::Missing { name: pieces.to_string() }));
    fake.place().always(|login| Ok(With::new(login.clone()).status(202).header("x-by", "fake")));
    let media = MediaClient::over(fake.channel(), Settings::of("media", &ClientConfig::default()));
    let export: Vec<_> = media.export(1).await.unwrap().map(Result::unwrap).collect().await;
    assert_eq!(export.concat(), b"onetwo");
    let mut export = media.export(2).await.unwrap();
    assert_eq!(export.piece().await.unwrap().unwrap(), "one");
    assert!(export.piece().await.unwrap_err().to_string().contains("broke off after 3 bytes"));
    assert!(export.piece().await.unwrap().is_none());
    assert_eq!(media.export(7).await.unwrap_err().refused(), Some(MediaError::Missing { name: "7".to_owned() }));
    let placed = media.place(ada()).await.unwrap();
    assert_eq!((placed.status_code(), placed.header_text("x-by"), placed.value()), (Some(202), Some("fake"), &ada()));
    assert_eq!(fake.export().calls().iter().map(|pieces| **pieces).collect::<Vec<_>>(), [1, 2, 7]);
}

/// A service between two others hands on what it gets, piece by piece.
#[tokio::test]
async fn a_stream_that_a_client_got_is_answered_on() {
    let (watch, fake) = (Watch::new(), MediaFake::default());
    let app = serve(&watch).await;
    let [media, ..] = clients(&app);
    fake.events().answers(media.events(1).await.map_err(|error| error.refused().unwrap()));
    let front = MediaClient::over(fake.channel(), Settings::of("media", &ClientConfig::default()));
    let mut events = front.events(1).await.unwrap();
    watch.go(1);
    assert_eq!(events.event().await.unwrap().unwrap().id_text(), Some("1"));
    drop(events);
    until("the service has seen it", || watch.streams() == 0).await;
}
