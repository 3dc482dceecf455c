//! The answer of a call, read within bounds.

use axum_core::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use hyper::{Response, StatusCode};
use serde::de::DeserializeOwned;

use super::failure::{CallError, Lost, Target, class_of_status};
use super::{Channel, Instance, Settings};
use crate::error::Class;
use crate::http::Problem;
use crate::http::within::within;

/// So much of a text that is no problem is told.
const TOLD: usize = 1 << 10;

/// The head and the whole body.
pub(super) struct Received {
    status: StatusCode,
    /// Whether that is the status of success.
    success: bool,
    headers: HeaderMap,
    body: Bytes,
    /// Who answered, where that is not plain.
    by: Option<Instance>,
}

/// What was answered, and by whom.
pub(super) struct Answer<'a> {
    received: Received,
    target: Target,
    channel: &'a Channel,
}

/// Reads the whole answer. The status of success is the declared one, or any from 200 to 299.
pub(super) async fn read(response: Response<Body>, declared: u16, settings: &Settings) -> Result<Received, Lost> {
    let (mut parts, body) = response.into_parts();
    let by = parts.extensions.remove();
    let success = parts.status.is_success() || parts.status.as_u16() == declared;
    let body = read_body(body, settings).await?;
    Ok(Received { status: parts.status, success, headers: parts.headers, body, by })
}

async fn read_body(mut body: Body, settings: &Settings) -> Result<Bytes, Lost> {
    if body.size_hint().lower() > settings.answer_limit as u64 {
        return Err(too_large(settings));
    }
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = within(settings.read_timeout, body.frame()).await.ok_or_else(|| stalled(settings))? {
        let Ok(data) = frame.map_err(|error| Lost::Broken(error.into()))?.into_data() else { continue };
        if first.len().max(all.len()) + data.len() > settings.answer_limit {
            return Err(too_large(settings));
        }
        // Most answers come in one piece, which is not copied then.
        if first.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn too_large(settings: &Settings) -> Lost {
    let Settings { name, answer_limit, .. } = settings;
    Lost::Answer(format!("it has more than {answer_limit} bytes: raise `answer_limit` under [clients.{name}], or ask for less"))
}

fn stalled(settings: &Settings) -> Lost {
    Lost::Stalled(settings.read_timeout)
}

impl Received {
    /// What a refusal was meant to be, for a person.
    fn told(&self) -> Option<&str> {
        let is_text = self.content_type().starts_with("text/plain");
        let text = std::str::from_utf8(&self.body).ok().filter(|text| is_text && !text.is_empty())?;
        Some(text.char_indices().nth(TOLD).map_or(text, |(end, _)| &text[..end]))
    }

    fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The problem of the body; of the status where it has none.
    fn problem(&self) -> Problem {
        let problem = serde_json::from_slice::<Problem>(&self.body).ok().filter(|_| self.content_type().contains("json"));
        match problem {
            Some(problem) => problem.at_status(self.status.as_u16()),
            None => {
                let problem = Problem::of_status(self.status.as_u16());
                self.told().map_or(problem.clone(), |text| problem.detail(text))
            }
        }
    }
}

impl<'a> Answer<'a> {
    pub(super) fn new(received: Received, target: Target, channel: &'a Channel) -> Self {
        Self { received, target, channel }
    }

    pub(super) fn is_success(&self) -> bool {
        self.received.success
    }

    /// The value of a success.
    pub(super) fn value<T: DeserializeOwned, E>(self) -> Result<T, CallError<E>> {
        let body = &self.received.body;
        let text: &[u8] = if body.is_empty() { b"null" } else { body };
        match serde_json::from_slice(text) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.not_expected(&error)),
        }
    }

    fn not_expected<E>(self, error: &serde_json::Error) -> CallError<E> {
        let reason = match (self.received.body.is_empty(), self.received.content_type()) {
            (true, _) => format!("it is empty, and JSON was expected ({error})"),
            (false, kind) if kind.contains("json") => format!("its JSON is not what was expected: {error}"),
            (false, "") => format!("it has no content type, and JSON was expected: {error}"),
            (false, kind) => format!("it is `{kind}`, and JSON was expected: {error}"),
        };
        self.unreadable(reason)
    }

    /// The error of anything else.
    pub(super) fn error<E: DeserializeOwned>(self, foreign: bool) -> CallError<E> {
        if self.received.status.is_redirection() {
            return self.redirected();
        }
        let problem = self.received.problem();
        if let Some(error) = problem.extension("error").and_then(|error| E::deserialize(error).ok()) {
            return CallError::Refused(error, class(&problem));
        }
        match foreign.then(|| serde_json::from_slice(&self.received.body).ok()).flatten() {
            Some(error) => CallError::Refused(error, class_of_status(problem.status())),
            None => CallError::Problem { problem, target: Box::new(self.target()) },
        }
    }

    fn redirected<E>(self) -> CallError<E> {
        let to = self.received.headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
        let reason = format!("{}: it points to {to}, and redirections are not followed", self.received.status);
        self.unreadable(reason)
    }

    /// With where the answer came from.
    fn target(self) -> Target {
        match self.received.by {
            Some(by) => Target { address: by.to_string(), ..self.target },
            None => self.target.at(self.channel),
        }
    }

    fn unreadable<E>(self, reason: String) -> CallError<E> {
        CallError::Answer { target: Box::new(self.target()), reason }
    }
}

/// The class that one of our services gave its own error: said in the problem, else by its status. An error that the service did
/// not classify would be the same the next time.
fn class(problem: &Problem) -> Class {
    let stated = problem.extension("class").and_then(|class| serde::Deserialize::deserialize(class).ok());
    stated.unwrap_or_else(|| match class_of_status(problem.status()) {
        Class::Retryable => Class::Retryable,
        _ => Class::Permanent,
    })
}
