//! What is found wrong, where, and the way out.

use std::fmt;

/// A place in the user's source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, relative to the package's folder where it lies in it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// How serious a [`Diagnosis`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// The build fails.
    Error,
    /// The build goes on.
    Warning,
}

/// One thing that is wrong: where, why, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Whether it fails the build.
    pub severity: Severity,
    /// Where, if it has one place.
    pub place: Option<Place>,
    /// Where in the line, from 1, if that is told.
    pub column: Option<usize>,
    /// What is wrong, as a sentence without its full stop.
    pub cause: String,
    /// What to do, as a sentence without its full stop.
    pub way_out: String,
}

impl Diagnosis {
    /// Something that fails the build.
    pub(crate) fn error(place: impl Into<Option<Place>>, cause: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place: place.into(), column: None, cause: cause.into(), way_out: way_out.into() }
    }

    /// The same at that place of its line, from 1.
    #[cfg(feature = "proto")]
    pub(crate) fn at_column(self, column: usize) -> Self {
        Self { column: Some(column), ..self }
    }

    /// Something to look at; `strict` makes an error of it.
    pub(crate) fn warning(place: impl Into<Option<Place>>, cause: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, cause, way_out) }
    }
}

/// One line, because cargo shows one line per message.
impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}:")?;
            if let Some(column) = self.column {
                write!(f, "{column}:")?;
            }
            f.write_str(" ")?;
        }
        let text = format!("{}. {}.", self.cause, self.way_out);
        f.write_str(&text.replace(['\n', '\r'], " "))
    }
}
