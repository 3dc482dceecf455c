//! Sends mail: here into the log, and into a list that tests look at.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use comms::provider;

/// How many mails are remembered.
const REMEMBERED: usize = 1_000;

/// A mail that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The customer.
    pub to: String,
    /// What it says.
    pub text: String,
}

/// Sends mail; a clone is another handle to the same mailer.
#[derive(Clone, Debug, Default)]
pub struct Mailer(Arc<Mutex<VecDeque<Mail>>>);

impl Mailer {
    /// Sends a mail.
    pub fn send(&self, to: &str, text: String) {
        tracing::debug!(to, text, "mail sent");
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() == REMEMBERED {
            sent.pop_front();
        }
        sent.push_back(Mail { to: to.to_owned(), text });
    }

    /// The latest mails, oldest first; a thousand at most.
    #[must_use]
    pub fn sent(&self) -> Vec<Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Runs once, at start.
#[provider]
pub(crate) async fn mailer() -> Mailer {
    Mailer::default()
}
