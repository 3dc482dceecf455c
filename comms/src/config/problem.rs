//! Where a value comes from, and what can be wrong with it.

use std::fmt;
use std::sync::Arc;

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In a file.
    File {
        /// The file as it was named.
        file: Arc<str>,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// In an environment variable.
    Environment {
        /// Its name.
        variable: Arc<str>,
    },
    /// In another layer.
    Layer {
        /// What the layer calls the place.
        place: Arc<str>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Environment { variable } => write!(f, "environment {variable}"),
            Self::Layer { place } => f.write_str(place),
        }
    }
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigProblem {
    /// Where the wrong value was set.
    pub origin: Origin,
    /// The key, with dots between; empty for the file as a whole.
    pub path: String,
    /// What is wrong, what is expected, what to do.
    pub message: String,
}

impl ConfigProblem {
    /// A problem.
    pub fn new(origin: Origin, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { origin, path: path.into(), message: message.into() }
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "{}: {}", self.origin, self.message),
            path => write!(f, "{}: `{path}`: {}", self.origin, self.message),
        }
    }
}

impl serde::Serialize for ConfigProblem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut problem = serializer.serialize_struct("ConfigProblem", 3)?;
        problem.serialize_field("origin", &self.origin.to_string())?;
        problem.serialize_field("path", &self.path)?;
        problem.serialize_field("message", &self.message)?;
        problem.end()
    }
}

/// Everything that is wrong with the configuration, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<ConfigProblem>,
}

impl ConfigError {
    /// The error of these problems; none if there are none.
    ///
    /// # Errors
    /// When there is any problem.
    pub fn check(problems: Vec<ConfigProblem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }

    /// Each of them, in the order of the layers.
    #[must_use]
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }
}

impl From<ConfigProblem> for ConfigError {
    fn from(problem: ConfigProblem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [problem] => write!(f, "the configuration is wrong: {problem}"),
            problems => {
                write!(f, "the configuration is wrong in {} places:", problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}
