//! Services: what is said of their subscriptions and of their methods.

use std::collections::BTreeMap;
use std::time::Duration;

use super::read::{duration, named, number, size, text, throttle};
use crate::config::tree::Table;
use crate::limit::Rate;
use crate::text::parse_duration_range;

/// `[service.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceConfig {
    /// By topic as declared, or `topic@group`.
    pub subscriptions: BTreeMap<String, SubscriptionConfig>,
    /// By name.
    pub handlers: BTreeMap<String, HandlerConfig>,
}

/// `[service.NAME.subscription."TOPIC"]`; what is not set is as the attribute says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionConfig {
    /// How many messages this process handles at once, from 1.
    pub concurrency: Option<usize>,
    /// For how long ids are remembered; zero switches deduplication off.
    pub dedup: Option<Duration>,
    /// How many messages this process takes in a time; `Some(None)`: as many as it can.
    pub throttle: Option<Option<Rate>>,
}

/// `[service.NAME.handler.NAME]`; what is not set is as the attribute says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerConfig {
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How failures are retried.
    pub retry: RetryConfig,
    /// How large the messages of a gRPC method may be.
    pub limit: LimitConfig,
}

/// `limit`; what is not set is as the attribute says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitConfig {
    /// How many bytes a message of a caller may have.
    pub request: Option<usize>,
    /// How many bytes a message of an answer may have, before it is compressed.
    pub answer: Option<usize>,
}

/// `retry`; what is not set is as the attribute says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryConfig {
    /// How many retries follow the first attempt.
    pub max: Option<u32>,
    /// How many of them at once, holding the slot.
    pub immediate: Option<u32>,
    /// The delay before the first retry and the longest one.
    pub backoff: Option<(Duration, Duration)>,
}

impl ServiceConfig {
    pub(in crate::config) fn read(table: &Table) -> Self {
        Self {
            subscriptions: named(table, "subscription", |table| SubscriptionConfig {
                concurrency: number(table, &["concurrency"]),
                dedup: duration(table, &["dedup"]),
                throttle: throttle(table, &["throttle"]),
            }),
            handlers: named(table, "handler", |table| HandlerConfig {
                timeout: duration(table, &["timeout"]),
                retry: RetryConfig {
                    max: number(table, &["retry", "max"]),
                    immediate: number(table, &["retry", "immediate"]),
                    backoff: text(table, &["retry", "backoff"]).and_then(|text| parse_duration_range(&text).ok()),
                },
                limit: LimitConfig { request: size(table, &["limit", "request"]), answer: size(table, &["limit", "answer"]) },
            }),
        }
    }
}
