//! What the clients of a broker know of their connections.

use std::sync::{Mutex, PoisonError};

use rdkafka::Statistics;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::error::code_error;
use super::reports::Reports;
use crate::broker::{BrokerError, BrokerErrorKind, ConnectionState};

/// How librdkafka says that it got no token.
const NO_TOKEN: &str = "Failed to acquire SASL OAUTHBEARER token";

/// Answers of a provider (RFC 6749, section 5.2) that are the same next time.
const DENIED: [&str; 6] =
    ["invalid_client", "unauthorized_client", "invalid_grant", "invalid_scope", "invalid_request", "unsupported_grant_type"];

/// What is known of the connection.
#[derive(Debug, Default)]
pub(super) struct Health {
    known: Mutex<Known>,
    /// What the clients say beside that.
    pub(super) reports: Reports,
}

#[derive(Debug, Default)]
struct Known {
    /// Why no broker can be reached.
    down: Option<String>,
    /// That the brokers don't let us in.
    refused: Option<Code>,
    /// Why there is no token to log in with.
    no_token: Option<String>,
}

impl Health {
    /// No broker can be reached.
    pub(super) fn lost(&self, reason: &str) {
        self.change(|known| known.down = Some(reason.to_owned()));
    }

    /// A broker has answered.
    pub(super) fn heard(&self) {
        self.change(|known| *known = Known::default());
    }

    /// The producer's regular report.
    pub(super) fn report(&self, statistics: &Statistics) {
        if statistics.brokers.values().any(|broker| broker.nodeid >= 0 && broker.state == "UP") {
            self.heard();
        }
    }

    pub(super) fn state(&self) -> ConnectionState {
        match &self.known.lock().unwrap_or_else(PoisonError::into_inner).down {
            Some(reason) => ConnectionState::Reconnecting { reason: reason.clone() },
            None => ConnectionState::Connected,
        }
    }

    /// What waiting can't mend.
    pub(super) fn refusal(&self, attempted: &str) -> Option<BrokerError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let no_token = known.no_token.as_deref().filter(|reason| is_denied(reason));
        let denied = no_token.map(|reason| BrokerError::new(BrokerErrorKind::Authentication, format!("could not {attempted}: {reason}")));
        denied.or_else(|| known.refused.map(|code| code_error(attempted, code)))
    }

    /// Why there is no token to log in with.
    pub(super) fn no_token(&self) -> Option<String> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).no_token.clone()
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What a client reports on its own account.
    pub(super) fn note(&self, error: &KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(Code::AllBrokersDown) => self.lost(reason),
            // The one that there is may be good for a while.
            Some(Code::Authentication) if reason.contains(NO_TOKEN) => {
                tracing::warn!(reason, "no new token for Kafka; it is tried again");
                self.change(|known| known.no_token = Some(reason.chars().take(500).collect()));
            }
            Some(code @ (Code::Authentication | Code::SaslAuthenticationFailed)) => {
                self.lost(reason);
                self.change(|known| known.refused = Some(code));
            }
            _ => {}
        }
        tracing::debug!(%error, reason, "Kafka");
    }
}

fn is_denied(reason: &str) -> bool {
    DENIED.iter().any(|word| reason.contains(word))
}
