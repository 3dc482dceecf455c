//! What is known of a component, and of all of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// How a component is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// As it should.
    Up,
    /// It works, but not as it should: retrying, slow, on its last good answer.
    Degraded {
        /// Why.
        reason: String,
    },
    /// It does not work.
    Down {
        /// Why.
        reason: String,
    },
}

/// What it means for the process when a component is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Matters {
    /// The process is beyond repair: something should restart it.
    Liveness,
    /// The process should get no work until the component is back.
    Readiness,
    /// Nothing; people want to know.
    Nothing,
}

/// Where the process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Phase {
    /// Not yet ready.
    #[default]
    Starting,
    /// Ready, if its components are.
    Running,
    /// No longer ready: it finishes what it has.
    Stopping,
}

/// Everything that is known at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HealthReport {
    /// Whether the process should be left running.
    pub live: bool,
    /// Whether the process should get work.
    pub ready: bool,
    /// Where it is in its life.
    pub phase: Phase,
    /// The components by name.
    pub components: BTreeMap<String, ComponentReport>,
}

/// One component at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ComponentReport {
    /// How it is doing.
    #[serde(flatten)]
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// What its being down means.
    pub matters: Matters,
    /// What else it tells of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl ComponentReport {
    pub(super) fn is_down(&self) -> bool {
        matches!(self.state, State::Down { .. })
    }
}
