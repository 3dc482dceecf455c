//! What the routes take and give.

use std::collections::BTreeMap;

use comms::http::{HttpError, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The number of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub(crate) struct BookId(pub(crate) u32);

/// What a book is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Genre {
    Novel,
    Poetry,
    NonFiction,
}

/// A book that is to be added.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBook {
    pub(crate) title: Title,
    pub(crate) genre: Genre,
    #[serde(default)]
    pub(crate) authors: Vec<Author>,
    pub(crate) pages: Option<u16>,
}

/// A title, never empty.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("minLength" = 1))]
pub(crate) struct Title(String);

impl TryFrom<String> for Title {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Err("a title is not empty") } else { Ok(Self(text)) }
    }
}

/// Who wrote a book. Read and written: a name that is left out is written as `null`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Author {
    pub(crate) family_name: String,
    pub(crate) given_name: Option<String>,
}

/// A book of the library.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Book {
    pub(crate) id: BookId,
    pub(crate) title: Title,
    pub(crate) genre: Genre,
    pub(crate) authors: Vec<Author>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pages: Option<u16>,
}

/// A page of books.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page begins.
    pub(crate) next: Option<u64>,
}

/// How many books there are, by what they are about.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Counts(pub(crate) BTreeMap<String, usize>);

/// A change of a book: what is there is changed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Change {
    pub(crate) title: Option<Title>,
    pub(crate) genre: Option<Genre>,
}

/// What somebody has out, or has brought back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Movement {
    Lent { book: BookId, days: u8 },
    Returned { book: BookId },
}

/// Nothing is known of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) text: String,
}

/// There is no such book.
#[derive(Debug, thiserror::Error)]
#[error("there is no book {}", .0.0)]
pub(crate) struct NoSuchBook(pub(crate) BookId);

impl HttpError for NoSuchBook {
    fn problem(&self) -> Problem {
        Problem::new(404).code("no-such-book").detail(self.to_string()).with("book", self.0.0)
    }

    fn statuses() -> &'static [(u16, &'static str)] {
        &[(404, "There is no such book."), (404, "It was lent for good."), (200, "No problem has this status.")]
    }
}
