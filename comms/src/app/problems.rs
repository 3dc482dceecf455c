//! Everything that keeps an application from starting, reported at once.

use std::fmt;

use crate::broker::BrokerError;
use crate::error::chain_text;

/// Everything that keeps an application from starting. Never empty.
#[derive(Debug)]
pub struct StartError {
    problems: Vec<String>,
    broker: Option<BrokerError>,
}

impl StartError {
    /// Each problem, with what to do.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The first broker that could not be reached, or refused, if that is among the problems.
    #[must_use]
    pub fn broker(&self) -> Option<&BrokerError> {
        self.broker.as_ref()
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        write!(f, "the application can't start: {count} problem{}", if count == 1 { "" } else { "s" })?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for StartError {}

/// Collects problems until the next point at which going on makes no sense.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    texts: Vec<String>,
    broker: Option<BrokerError>,
}

impl Problems {
    /// A problem that was told already is not told again.
    pub(crate) fn add(&mut self, problem: impl fmt::Display) {
        let problem = problem.to_string();
        if !self.texts.contains(&problem) {
            self.texts.push(problem);
        }
    }

    /// Keeps the value, or the problem.
    pub(crate) fn keep<T, E: fmt::Display>(&mut self, result: Result<T, E>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// Keeps what a broker came to, or its refusal.
    pub(crate) fn keep_broker<T>(&mut self, what: impl fmt::Display, result: Result<T, BrokerError>) -> Option<T> {
        let seen = result.inspect_err(|error| self.add(format!("{what}: {}", chain_text(error).join(": "))));
        seen.map_err(|error| self.broker.get_or_insert(error)).ok()
    }

    /// Whether a broker could not be reached, or refused.
    pub(crate) fn has_broker(&self) -> bool {
        self.broker.is_some()
    }

    /// All problems, for a person.
    pub(crate) fn into_texts(self) -> Vec<String> {
        self.texts
    }

    /// # Errors
    /// All problems so far, if there are any.
    pub(crate) fn check(&mut self) -> Result<(), StartError> {
        if self.texts.is_empty() {
            Ok(())
        } else {
            Err(StartError { problems: std::mem::take(&mut self.texts), broker: self.broker.take() })
        }
    }
}
