//! An answer that is no success.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use serde::de::DeserializeOwned;

use super::failure::{CallError, Target, class_of_status};
use super::reply::{Origin, Reply, ReplyError};
use super::{Instance, retry_after};
use crate::error::{Advice, Class};
use crate::http::Problem;

/// So much of a text that is no problem is told.
const TOLD: usize = 1 << 10;

/// An answer that is no success, read to its end.
pub(super) struct Refusal<'a> {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// Who answered, where that is not plain.
    by: Option<Instance>,
    origin: Origin<'a>,
}

impl<'a> Refusal<'a> {
    pub(super) async fn read(mut reply: Reply<'a>, by: Option<Instance>) -> Result<Self, ReplyError> {
        let body = reply.bytes().await?;
        Ok(Self { status: reply.status(), headers: reply.take_headers(), body, by, origin: reply.origin() })
    }

    /// The error that it is: an `E` out of the member `error` of the problem; of a foreign service also out of the whole body.
    pub(super) fn error<E: DeserializeOwned>(self, foreign: bool) -> CallError<E> {
        if self.status.is_redirection() {
            return self.redirected();
        }
        let (problem, wait) = (self.problem(), retry_after::read(&self.headers));
        if let Some(error) = problem.extension("error").and_then(|error| E::deserialize(error).ok()) {
            return refused(error, class(&problem), wait);
        }
        match foreign.then(|| serde_json::from_slice(&self.body).ok()).flatten() {
            Some(error) => refused(error, class_of_status(problem.status()), wait),
            None => {
                let advice = advice(class_of_status(problem.status()), wait);
                let problem = advice.into_iter().fold(self.with_wait(problem), Problem::advised);
                CallError::Problem { problem, target: Box::new(self.target()) }
            }
        }
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

    /// When to come again stands beside a problem.
    fn with_wait(&self, problem: Problem) -> Problem {
        match self.headers.get(RETRY_AFTER) {
            Some(wait) => problem.header(RETRY_AFTER, wait.clone()),
            None => problem,
        }
    }

    /// What a refusal was meant to be, for a person.
    fn told(&self) -> Option<&str> {
        let is_text = self.content_type().starts_with("text/plain");
        let text = std::str::from_utf8(&self.body).ok().filter(|text| is_text && !text.is_empty())?;
        Some(text.char_indices().nth(TOLD).map_or(text, |(end, _)| &text[..end]))
    }

    fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn redirected<E>(self) -> CallError<E> {
        let to = self.headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
        let reason = format!("{}: it points to {to}, and redirections are not followed", self.status);
        CallError::Answer { target: Box::new(self.target()), reason }
    }

    /// With where the answer came from.
    fn target(self) -> Target {
        let target = self.origin.target.clone();
        match self.by {
            Some(by) => Target { address: by.to_string(), ..target },
            None => target.at(self.origin.channel),
        }
    }
}

fn refused<E>(error: E, class: Class, wait: Option<Duration>) -> CallError<E> {
    CallError::Refused(error, class, advice(class, wait))
}

fn advice(class: Class, wait: Option<Duration>) -> Option<Advice> {
    wait.map(|wait| Advice::new(class).retry_after(wait))
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
