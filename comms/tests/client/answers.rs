//! What a peer may answer, and what that means.

use comms::client::CallError;
use comms::http::Problem;
use comms::{Class, Classify};
use serde::Deserialize;

use crate::addresses::{ECHO, echo};
use crate::bank::ChargeError;
use crate::peer::{Act, Peer, answer, caller, ok, problem};

#[derive(Debug, PartialEq, Deserialize, thiserror::Error)]
#[error("{message}")]
struct Foreign {
    message: String,
}

async fn answering(text: String) -> Peer {
    Peer::start(move |_| Act::Send(text.clone())).await
}

async fn refused(text: String) -> CallError<ChargeError> {
    let peer = answering(text).await;
    caller(&peer.config()).begin(&ECHO).send::<u32, ChargeError>().await.unwrap_err()
}

#[tokio::test]
async fn a_problem_with_the_error_in_it_is_the_error() {
    let text = r#"{"title":"no","status":422,"error":{"Declined":5},"class":"permanent"}"#;
    let error = refused(problem("422 Unprocessable Entity", text)).await;
    assert!(matches!(error, CallError::Refused(ChargeError::Declined(5), Class::Permanent, None)), "{error:?}");
    // The class that the service states counts; without one the status does; an error of no class would be the same again.
    for (status, member, class) in [
        ("500 Internal Server Error", r#","class":"unknown""#, Class::Unknown),
        ("503 Service Unavailable", "", Class::Retryable),
        ("500 Internal Server Error", "", Class::Permanent),
        ("409 Conflict", r#","class":"nonsense""#, Class::Permanent),
    ] {
        let error = refused(problem(status, &format!(r#"{{"error":"Closed"{member}}}"#))).await;
        assert!(matches!(error, CallError::Refused(ChargeError::Closed, found, None) if found == class), "{status}{member}: {error:?}");
    }
}

#[tokio::test]
async fn any_other_problem_is_a_problem_of_its_status() {
    for (status, text, class) in [
        ("404 Not Found", r#"{"title":"Not Found","detail":"no such thing"}"#, Class::Permanent),
        ("422 Unprocessable Entity", r#"{"error":{"Unheard":1}}"#, Class::Permanent),
        ("429 Too Many Requests", "{}", Class::Retryable),
        ("503 Service Unavailable", "{}", Class::Retryable),
        ("504 Gateway Timeout", "{}", Class::Retryable),
        ("500 Internal Server Error", r#"{"status":404}"#, Class::Unknown),
        ("501 Not Implemented", "[]", Class::Unknown),
    ] {
        let error = refused(problem(status, text)).await;
        let found = error.problem().unwrap_or_else(|| panic!("{status}: {error:?}"));
        assert_eq!((found.status().to_string().as_str(), error.class()), (&status[..3], class), "{status}: {error}");
    }
}

/// What stands before a service may answer with JSON of its own, of another type.
#[tokio::test]
async fn a_problem_says_by_its_content_type_that_it_is_one() {
    let text = r#"{"title":"no","status":422,"detail":"from elsewhere","error":{"Declined":5},"class":"permanent"}"#;
    let error = refused(answer("422 Unprocessable Entity", "text/html", text)).await;
    assert!(matches!(&error, CallError::Problem { .. }) && !error.to_string().contains("from elsewhere"), "{error:?}");
}

#[tokio::test]
async fn an_error_that_is_no_problem_is_told_by_its_status_and_text() {
    let error = refused(answer("502 Bad Gateway", "text/plain", "upstream is away")).await;
    assert!(error.to_string().ends_with("answered 502 Bad Gateway: upstream is away"), "{error}");
    let error = refused(answer("502 Bad Gateway", "text/html", "<html>")).await;
    assert!(error.to_string().ends_with("answered 502 Bad Gateway"), "{error}");
    let error = refused(answer("400 Bad Request", "text/plain; charset=utf-8", &"x".repeat(5000))).await;
    assert!(error.to_string().len() < 1200, "{error}");
}

#[tokio::test]
async fn the_body_of_a_foreign_api_may_be_the_error() {
    let peer = answering(answer("400 Bad Request", "application/json", r#"{"message":"card expired"}"#)).await;
    let caller = caller(&peer.config());
    let mut call = caller.begin(&ECHO);
    call.foreign();
    let error = call.send::<u32, Foreign>().await.unwrap_err();
    assert_eq!(error.refused(), Some(Foreign { message: "card expired".to_owned() }));
    // Of a contract only the member counts.
    let error = caller.begin(&ECHO).send::<u32, Foreign>().await.unwrap_err();
    assert!(error.problem().is_some(), "{error:?}");
}

#[tokio::test]
async fn a_foreign_error_that_states_no_class_has_that_of_its_status() {
    for (status, class) in [
        ("500 Internal Server Error", Class::Unknown),
        ("503 Service Unavailable", Class::Retryable),
        ("429 Too Many Requests", Class::Retryable),
        ("400 Bad Request", Class::Permanent),
    ] {
        let peer = answering(answer(status, "application/json", r#"{"message":"no"}"#)).await;
        let caller = caller(&peer.config());
        let mut call = caller.begin(&ECHO);
        call.foreign();
        let error = call.send::<u32, Foreign>().await.unwrap_err();
        assert!(matches!(&error, CallError::Refused(_, found, None) if *found == class), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn what_is_not_the_expected_json_is_said_to_be_so() {
    for (text, expected) in [
        (answer("200 OK", "text/html", "<html>"), "it is `text/html`, and JSON was expected"),
        (answer("200 OK", "application/json", "<html>"), "its JSON is not what was expected: expected value at line 1"),
        (ok("\"text\""), "its JSON is not what was expected: invalid type: string \"text\", expected u32"),
        (ok(""), "it is empty, and JSON was expected"),
        (answer("204 No Content", "text/plain", ""), "it is empty, and JSON was expected"),
    ] {
        let peer = answering(text).await;
        let error = echo(&caller(&peer.config()), "x").await.unwrap_err();
        assert!(matches!(&error, CallError::Answer { .. }) && error.class() == Class::Permanent, "{error:?}");
        let expected = format!("the answer of `echo` of `bank` (POST /echo, at {}) can't be read: {expected}", peer.url());
        assert!(error.to_string().starts_with(&expected), "{expected}\nis not {error}");
    }
}

#[tokio::test]
async fn redirections_are_not_followed() {
    let peer = answering("HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let error = echo(&caller(&peer.config()), "x").await.unwrap_err();
    assert!(error.to_string().contains("302 Found: it points to http://elsewhere/, and redirections are not followed"), "{error}");
    let declared = ECHO.status(302);
    caller(&peer.config()).begin(&declared).send::<(), Problem>().await.unwrap();
}

#[tokio::test]
async fn a_call_is_shown_without_its_values() {
    let peer = answering(ok("1")).await;
    let caller = caller(&peer.config());
    let mut call = caller.begin(&ECHO);
    call.path("tenant", "hunter1").query("token", "hunter2").header("authorization", "hunter3").idempotency_key(Some("hunter4"));
    call.idempotency_key(Some("\"hunter5\"")).json("hunter6");
    let shown = format!("{call:?}");
    for name in ["tenant", "token", "authorization", "idempotency-key"] {
        assert!(shown.contains(&format!("{name:?}")), "{name} is not in {shown}");
    }
    assert!(!shown.contains("hunter"), "{shown}");
}

#[tokio::test]
async fn a_request_is_what_the_field_expects() {
    let peer = answering(ok("1")).await;
    let caller = caller(&peer.config());
    let mut call = caller.begin(&ECHO);
    call.json("x").idempotency_key(Some("order-7"));
    assert_eq!(call.send::<u32, Problem>().await.unwrap(), 1);
    let mut call = caller.begin(&ECHO);
    call.idempotency_key(None);
    assert_eq!(call.send::<u32, Problem>().await.unwrap(), 1);
    let [first, second] = <[String; 2]>::try_from(peer.seen.requests()).unwrap();
    for line in [
        "POST /echo HTTP/1.1",
        "accept: application/json, application/problem+json",
        "content-type: application/json",
        "content-length: 3",
        "idempotency-key: \"order-7\"",
        &format!("host: {}", peer.address),
    ] {
        assert!(first.lines().any(|found| found == line), "{line} is not in {first}");
    }
    let key = second.lines().find_map(|line| line.strip_prefix("idempotency-key: ")).unwrap();
    assert!(key.trim_matches('"').parse::<uuid::Uuid>().is_ok(), "{key}");
    let mut call = caller.begin(&ECHO);
    call.idempotency_key(Some("a\"b"));
    let error = call.send::<u32, Problem>().await.unwrap_err();
    assert!(matches!(&error, CallError::Request { .. }), "{error:?}");
}
