//! What a checked handler attribute says.

use std::time::Duration;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Path, Type, Visibility};

use crate::{Common, RequestKind, Setting, Text};

/// What is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `#[event_handler]`.
    Event,
    /// `#[command]` or `#[query]` on a method or function.
    Request(RequestKind),
}

impl Kind {
    /// The attribute, as it is written.
    #[must_use]
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Event => "#[event_handler]",
            Self::Request(RequestKind::Command) => "#[command]",
            Self::Request(RequestKind::Query) => "#[query]",
        }
    }
}

/// A handler: a method of a service or a free function.
#[derive(Clone, Debug)]
pub struct Handler {
    /// What all models have.
    pub common: Common,
    /// What it handles.
    pub kind: Kind,
    /// The method or function.
    pub ident: Ident,
    /// Its visibility.
    pub vis: Visibility,
    /// Whether it is a method, with `&self`.
    pub method: bool,
    /// The type of the message; of a handler of batches that of each.
    pub message: Type,
    /// When a batch is handed over, if the handler takes a `Batch<Event>`.
    pub batch: Option<Batching>,
    /// The further arguments, which are injected.
    pub args: Vec<Argument>,
    /// What it returns: nothing, so that it can't fail, or a result, by whatever name.
    pub output: Option<Type>,
    /// The group whose subscription feeds it.
    pub group: Option<Text>,
    /// The service that a free function belongs to, if it says so.
    pub service: Option<Text>,
    /// How failures are retried, unless by default.
    pub retry: Option<Retry>,
    /// How long one attempt may take, unless the default.
    pub timeout: Option<Setting<Duration>>,
    /// Whether what it publishes becomes visible together with the settlement of its message.
    pub transactional: bool,
    /// The events that it publishes: `publishes(..)` and its `Publisher<T>` arguments.
    pub publishes: Vec<Type>,
}

impl Handler {
    /// The type of the message as text, to compare and to show.
    #[must_use]
    pub fn message_text(&self) -> String {
        type_text(&self.message)
    }

    /// The group as text.
    #[must_use]
    pub fn group_text(&self) -> Option<&str> {
        self.group.as_ref().map(|group| group.value.as_str())
    }
}

/// A type as it was written, without the spaces that tokens have between them.
pub(crate) fn type_text(ty: &Type) -> String {
    ty.to_token_stream().to_string().replace(" :: ", "::").replace(" < ", "<").replace(" > ", ">").replace(" >", ">").replace(" ,", ",")
}

/// `batch(..)`; what is not said is default.
#[derive(Clone, Debug, Default)]
pub struct Batching {
    /// With so many messages at most.
    pub max: Option<Setting<u32>>,
    /// So long after the first one at most.
    pub wait: Option<Setting<Duration>>,
}

/// An injected argument.
#[derive(Clone, Debug)]
pub struct Argument {
    /// Its type.
    pub ty: Type,
}

/// `retry(..)`, or `retry = CONSTANT`.
#[derive(Clone, Debug)]
pub enum Retry {
    /// The path of a `RetryDecl` constant.
    Constant(Path),
    /// What was said; the rest is default.
    Said {
        /// How many retries follow the first attempt.
        max: Option<Setting<u32>>,
        /// How many of them at once.
        immediate: Option<Setting<u32>>,
        /// The first delay and the longest.
        backoff: Option<(Duration, Duration)>,
    },
}
