//! Everything that keeps an application from starting, reported at once.

use std::fmt;

/// Everything that keeps an application from starting. Never empty.
#[derive(Debug)]
pub struct StartError {
    problems: Vec<String>,
}

impl StartError {
    /// Each problem, with what to do.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
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
pub(crate) struct Problems(Vec<String>);

impl Problems {
    pub(crate) fn add(&mut self, problem: impl fmt::Display) {
        self.0.push(problem.to_string());
    }

    /// Keeps the value, or the problem.
    pub(crate) fn keep<T, E: fmt::Display>(&mut self, result: Result<T, E>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// All problems, for a person.
    pub(crate) fn into_texts(self) -> Vec<String> {
        self.0
    }

    /// # Errors
    /// All problems so far, if there are any.
    pub(crate) fn check(&mut self) -> Result<(), StartError> {
        if self.0.is_empty() { Ok(()) } else { Err(StartError { problems: std::mem::take(&mut self.0) }) }
    }
}
