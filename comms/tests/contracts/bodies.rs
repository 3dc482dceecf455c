//! Bodies of every kind, from the client of a contract to the service that implements it.

use comms::client::{CallError, Client as _, Settings};
use comms::config::ClientConfig;
use comms::http::{BodyStream, Bytes, Form, Problem};
use comms::testing::Fake as _;
use comms::{Class, Classify as _};
use futures_util::stream::{self, StreamExt as _};

use super::media::*;

fn login(user: &str) -> Login {
    Login { user: user.to_owned(), age: Some(7), scope: vec!["a&b".to_owned(), "c=d".to_owned()] }
}

#[tokio::test]
async fn forms_texts_and_bytes_arrive_as_they_were() {
    let app = serve(&Watch::new()).await;
    for media in clients(&app) {
        let sent = login("Zoë+ &=%\r\n");
        assert_eq!(media.form(Form(sent.clone())).await.unwrap(), sent);
        let (age, scope) = (None, Vec::new());
        assert_eq!(media.form(Form(Login { age, scope: scope.clone(), ..login("") })).await.unwrap(), Login { age, scope, ..login("") });
        assert_eq!(media.text("ä\n\"".to_owned()).await.unwrap(), "ä\n\"!");
        assert_eq!(media.text(String::new()).await.unwrap(), "!");
        let bytes = Bytes::from_static(b"\0\xFF\n");
        assert_eq!(media.bytes(bytes.clone()).await.unwrap(), bytes);
        let missing = media.bytes(Bytes::new()).await.unwrap_err();
        assert_eq!(missing.refused(), Some(MediaError::Missing { name: "bytes".to_owned() }));
    }
}

#[tokio::test]
async fn a_stream_of_bytes_arrives_whole() {
    let watch = Watch::new();
    let app = serve(&watch).await;
    for media in clients(&app) {
        let pieces = BodyStream::of(stream::iter([Ok("one"), Ok(""), Ok::<_, Problem>("two")]));
        assert_eq!(media.upload("a".to_owned(), pieces).await.unwrap(), 6);
        assert_eq!(media.upload("a".to_owned(), BodyStream::from("three")).await.unwrap(), 5);
        assert_eq!(media.upload("a".to_owned(), BodyStream::from("")).await.unwrap(), 0);
        let mut echoed = media.echo(BodyStream::of(stream::iter(["one", "two"]))).await.unwrap();
        let mut text = Vec::new();
        while let Some(piece) = echoed.piece().await.unwrap() {
            text.extend_from_slice(&piece);
        }
        assert_eq!(text, b"onetwo");
    }
}

/// What two kernels keep of a connection.
const KEPT_BY_KERNELS: i64 = 24 << 20;

#[tokio::test]
async fn an_upload_is_made_only_as_fast_as_it_is_taken() {
    for (at, bound) in [KEPT_BY_KERNELS, 2 * PIECE as i64, KEPT_BY_KERNELS].into_iter().enumerate() {
        let watch = Watch::new();
        let app = serve(&watch).await;
        let (media, pieces) = (clients(&app)[at].clone(), BodyStream::of(watch.pieces(PIECES)));
        let upload = tokio::spawn(async move { media.upload("slowly".to_owned(), pieces).await });
        until("the upload has begun", || watch.streams() == 1).await;
        watch.take(1);
        watch.still().await;
        assert!(!upload.is_finished() && watch.most() <= bound, "{} bytes were in flight", watch.most());
        watch.take(usize::MAX >> 8);
        assert_eq!(upload.await.unwrap().unwrap(), PIECES * PIECE as u64);
        assert!(watch.most() <= bound, "{} bytes were in flight", watch.most());
        assert_eq!(watch.in_flight(), 0);
    }
}

#[tokio::test]
async fn a_hundred_megabytes_go_there_and_back_without_being_collected() {
    let watch = Watch::new();
    let app = serve(&watch).await;
    let [over_port, in_process, over_http2] = clients(&app);
    for (media, bound) in [(in_process, 2 * PIECE as i64), (over_http2, 2 * KEPT_BY_KERNELS), (over_port, 2 * KEPT_BY_KERNELS)] {
        let mut echoed = media.echo(BodyStream::of(watch.pieces(PIECES))).await.unwrap();
        let mut bytes = 0;
        while let Some(piece) = echoed.piece().await.unwrap() {
            watch.taken(piece.len());
            bytes += piece.len() as u64;
        }
        assert_eq!(bytes, PIECES * PIECE as u64);
        assert!(watch.most() <= bound, "{} bytes were in flight", watch.most());
    }
}

#[tokio::test]
async fn a_body_that_fails_at_the_caller_fails_the_call_and_has_no_end_at_the_service() {
    let watch = Watch::new();
    let app = serve(&watch).await;
    for media in clients(&app) {
        let pieces = stream::iter([Ok(Bytes::from_static(b"half")), Err("the disk is gone")]);
        let error = media.upload("a".to_owned(), BodyStream::of(pieces)).await.unwrap_err();
        assert!(matches!(&error, CallError::Broken { .. }) && error.class() == Class::Unknown, "{error:?}");
        assert!(error.to_string().contains("its body could not be sent to the end: the disk is gone"), "{error}");
        assert!(error.to_string().starts_with("`upload` of `media` (POST /uploads/{name}, at "), "{error}");
        until("the service has seen it", || watch.streams() == 0).await;
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_of_its_route_is_refused() {
    let app = serve(&Watch::new()).await;
    for media in clients(&app) {
        let error = media.bytes(Bytes::from(vec![0; (1 << 20) + 1])).await.unwrap_err();
        assert_eq!(error.problem().expect("a problem").status(), 413, "{error}");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_drops_its_body() {
    let watch = Watch::new();
    let app = serve(&watch).await;
    for media in clients(&app) {
        let endless = stream::repeat("x").then(|piece| async move {
            tokio::task::yield_now().await;
            piece
        });
        let upload = tokio::spawn(async move { media.upload("a".to_owned(), BodyStream::of(endless)).await });
        until("the upload has begun", || watch.streams() == 1).await;
        upload.abort();
        until("the service has seen it", || watch.streams() == 0).await;
    }
}

#[tokio::test]
async fn a_fake_keeps_what_a_stream_brought() {
    let fake = MediaFake::default();
    fake.upload().always(|(name, body)| match body.content() {
        Some(content) if name == "a" => Ok(content.len() as u64),
        _ => Err(MediaError::Missing { name: name.clone() }),
    });
    let media = MediaClient::over(fake.channel(), Settings::of("media", &ClientConfig::default()));
    assert_eq!(media.upload("a".to_owned(), BodyStream::of(stream::iter(["one", "two"]))).await.unwrap(), 6);
    let refused = media.upload("b".to_owned(), BodyStream::from("x")).await.unwrap_err();
    assert_eq!(refused.refused(), Some(MediaError::Missing { name: "b".to_owned() }));
    let broken = media.upload("a".to_owned(), BodyStream::of(stream::iter([Ok("half"), Err("gone")]))).await.unwrap_err();
    assert!(broken.to_string().contains("could not be sent to the end: gone"), "{broken}");
    let kept: Vec<_> = fake.upload().calls().iter().map(|call| (call.0.clone(), call.1.content().cloned())).collect();
    assert_eq!(kept, [("a".to_owned(), Some(Bytes::from_static(b"onetwo"))), ("b".to_owned(), Some(Bytes::from_static(b"x")))]);
}
