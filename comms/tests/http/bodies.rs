//! Bodies of other kinds than JSON.

use std::sync::atomic::Ordering;

use comms::testing::{HttpAnswer, TestApp};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::client::{PATIENCE, answer, connect, exchange, rest, until};
use crate::parcels::{Watch, app, serve};

const FORM: &str = "application/x-www-form-urlencoded";

async fn test() -> TestApp {
    TestApp::with(app(&Watch::new())).start().await.unwrap()
}

async fn post(app: &TestApp, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> HttpAnswer {
    app.http().post(path).body(content_type, body.into()).send().await
}

#[tokio::test(start_paused = true)]
async fn a_form_is_a_struct_of_its_fields() {
    let app = test().await;
    let answer =
        post(&app, "/forms", "application/x-www-form-urlencoded; charset=utf-8", "tag=a&to=M%C3%BCller+%26+S&weight=7&tag=b").await;
    assert_eq!((answer.status, answer.json::<Value>()), (200, json!({"to": "Müller & S", "weight": 7, "tag": ["a", "b"]})));
    for (content_type, body, status, detail) in [
        (FORM, "weight=1", 422, "the form: missing field `to`"),
        (FORM, "to=a&weight=x", 422, "the form: `weight`: expected a whole number of 32 bits, not below 0, found `x`"),
        (FORM, "to=%FF", 400, "the form is no UTF-8"),
        (FORM, "", 422, "the form: missing field `to`"),
        (
            "application/json",
            "{}",
            415,
            "the body should have `content-type: application/x-www-form-urlencoded`; it has `content-type: application/json`",
        ),
    ] {
        let answer = post(&app, "/forms", content_type, body).await;
        assert_eq!((answer.status, answer.problem().detail_text()), (status, Some(detail)), "{body}");
    }
    assert_eq!(post(&app, "/forms", FORM, format!("to={}", "x".repeat(1100))).await.status, 413);
}

#[tokio::test(start_paused = true)]
async fn bytes_and_text_are_taken_whatever_their_type() {
    let app = test().await;
    assert_eq!(post(&app, "/bytes", "image/png", [0xff, 0xd8, 0]).await.json::<usize>(), 3);
    assert_eq!(app.http().post("/bytes").send().await.json::<usize>(), 0);
    assert_eq!(post(&app, "/text", "text/plain", "grüß").await.json::<String>(), "grüß");
    let answer = post(&app, "/text", "text/plain", [0xff]).await;
    assert_eq!((answer.status, answer.problem().detail_text()), (400, Some("the body is no UTF-8")));
    assert_eq!(post(&app, "/bytes", "image/png", vec![0; 1025]).await.status, 413);
    assert_eq!(post(&app, "/text", "text/plain", vec![b'x'; 1025]).await.status, 413);
}

#[tokio::test(start_paused = true)]
async fn json_stays_what_it_is() {
    let app = test().await;
    let answer = app.http().put("/json").body("application/json", "{\"to\": \"a\"}").send().await;
    assert_eq!((answer.status, answer.json::<Value>()), (200, json!({"to": "a", "weight": null, "tag": []})));
    assert_eq!(app.http().put("/json").body(FORM, "to=a").send().await.status, 415);
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_is_refused_with_reaches_the_client_through_any_error() {
    let app = test().await;
    assert_eq!(post(&app, "/count", "text/plain", vec![0; 1 << 20]).await.json::<usize>(), 1 << 20);
    assert_eq!(post(&app, "/count", "text/plain", vec![0; (1 << 20) + 1]).await.status, 413);
    let answer = post(&app, "/sum", "text/plain", vec![0; 1025]).await;
    assert_eq!(
        (answer.status, answer.problem().detail_text()),
        (413, Some("the body is larger than 1024 bytes, the most that is taken here"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_packed_is_refused() {
    let app = test().await;
    for path in ["/bytes", "/count", "/forms", "/sum"] {
        let call = app.http().post(path).body(FORM, "to=a").header("content-encoding", "gzip");
        let answer = call.send().await;
        assert_eq!((answer.status, answer.header("accept-encoding")), (415, Some("identity")), "{path}");
    }
    assert_eq!(app.http().post("/bytes").body(FORM, "to=a").header("content-encoding", "identity").send().await.status, 200);
}

fn head(path: &str, rest: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\n{rest}\r\n")
}

#[tokio::test]
async fn a_stream_that_comes_too_slowly_or_breaks_off_or_is_too_large_is_a_problem() {
    let app = serve(&Watch::new(), "read_timeout = \"200ms\"").await;
    let answer = exchange(&app, &format!("{}xx", head("/count", "content-length: 20\r\n"))).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let large = "x".repeat(2 << 20);
    for (way, text) in [
        ("announced", format!("{}{large}", head("/count", &format!("connection: close\r\ncontent-length: {}\r\n", large.len())))),
        (
            "chunked",
            format!("{}{:x}\r\n{large}\r\n0\r\n\r\n", head("/count", "connection: close\r\ntransfer-encoding: chunked\r\n"), large.len()),
        ),
    ] {
        let answer = exchange(&app, &text).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{way}: {answer}");
    }
    let answer = exchange(&app, &format!("{}zz\r\n", head("/count", "transfer-encoding: chunked\r\n"))).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    until("no connection is left", || app.http_connections() == 0).await;
}

#[tokio::test]
async fn what_is_not_taken_yet_is_not_sent_yet() {
    let watch = Watch::new();
    watch.waits.store(true, Ordering::SeqCst);
    let app = serve(&watch, "").await;
    let mut stream = connect(&app).await;
    let size: usize = 256 << 20;
    stream.write_all(head("/slow", &format!("content-length: {size}\r\n")).as_bytes()).await.unwrap();
    watch.open(1).await;
    let piece = vec![b'x'; 1 << 20];
    let mut sent = 0;
    // Buffers of the operating system on both sides, and a piece here, take so much at most.
    while let Ok(written) = timeout(std::time::Duration::from_millis(500), stream.write(&piece)).await {
        sent += written.unwrap();
        assert!(sent < 64 << 20, "the service reads ahead of its route");
    }
    assert_eq!(watch.pieces(), 0);
    watch.waits.store(false, Ordering::SeqCst);
    while sent < size {
        let most = piece.len().min(size - sent);
        sent += timeout(PATIENCE, stream.write(&piece[..most])).await.unwrap().unwrap();
    }
    assert!(answer(&mut stream).await.ends_with(&size.to_string()));
}

#[tokio::test]
async fn a_body_goes_back_while_it_comes() {
    let watch = Watch::new();
    let app = serve(&watch, "").await;
    let mut stream = connect(&app).await;
    stream.write_all(head("/echo", "transfer-encoding: chunked\r\nconnection: close\r\n").as_bytes()).await.unwrap();
    stream.write_all(b"3\r\none\r\n").await.unwrap();
    let mut seen = String::new();
    while !seen.contains("one") {
        seen.push(timeout(PATIENCE, tokio::io::AsyncReadExt::read_u8(&mut stream)).await.unwrap().unwrap().into());
    }
    stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    let text = rest(&mut stream).await;
    assert!(text.ends_with("3\r\ntwo\r\n0\r\n\r\n"), "{text}");
}

#[cfg(feature = "multipart")]
mod multipart {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=XX";

    fn field(name: &str, rest: &str, content: &str) -> String {
        format!("--XX\r\ncontent-disposition: form-data; name=\"{name}\"{rest}\r\n\r\n{content}\r\n")
    }

    #[tokio::test(start_paused = true)]
    async fn a_form_with_files_is_read_field_by_field() {
        let app = test().await;
        let form = format!(
            "{}{}--XX--\r\n",
            field("to", "", "me"),
            field("picture", "; filename=\"a.png\"\r\ncontent-type: image/png", &"x".repeat(20_000))
        );
        let answer = post(&app, "/upload", KIND, form).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json::<Value>(), json!([["to", null, null, 2], ["picture", "a.png", "image/png", 20_000]]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_wrong_with_a_form_is_a_problem() {
        let app = test().await;
        for (content_type, body, status) in [
            ("text/plain", String::new(), 415),
            ("multipart/form-data", String::new(), 400),
            (KIND, String::new(), 400),
            (KIND, "hello".to_owned(), 400),
            (KIND, field("to", "", "me"), 400),
            (KIND, "--XX\r\ncontent-disp".to_owned(), 400),
            (KIND, field("to", "", &"x".repeat(70_000)), 413),
        ] {
            let answer = post(&app, "/upload", content_type, body.clone()).await;
            assert_eq!((answer.status, answer.problem().status()), (status, status), "{content_type}: {body:.40}: {answer:?}");
        }
    }

    #[tokio::test]
    async fn a_form_that_comes_too_slowly_is_a_408() {
        let app = serve(&Watch::new(), "read_timeout = \"200ms\"").await;
        let begun = format!("{}{}", head("/upload", &format!("content-type: {KIND}\r\ncontent-length: 900\r\n")), field("to", "", "me"));
        let answer = exchange(&app, &begun).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}
