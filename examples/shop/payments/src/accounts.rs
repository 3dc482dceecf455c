//! Whose card pays what, with the moods of a real provider.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use comms::provider;

/// Why nothing was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Asking again helps.
    #[error("the bank is busy")]
    Busy,
    /// The customer can't pay.
    #[error("the card was declined")]
    Declined,
    /// Nobody of this name has an account.
    #[error("there is no account of this customer")]
    NoAccount,
}

/// All charges; a clone is another handle to the same books.
#[derive(Clone, Debug, Default)]
pub struct Accounts(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    was_busy: HashSet<String>,
    charges: HashMap<String, u64>,
}

impl Accounts {
    /// Charges once for each reference. Every fourth one finds the provider busy at first, every seventh is declined, and
    /// `mallory` has no account, so that retries, refusals and dead letters can be seen.
    ///
    /// # Errors
    /// [`Refusal`] when nothing was charged.
    pub fn charge(&self, reference: &str, customer: &str) -> Result<u64, Refusal> {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = number_of(reference);
        if customer == "mallory" {
            return Err(Refusal::NoAccount);
        }
        if number.is_multiple_of(4) && books.was_busy.insert(reference.to_owned()) {
            return Err(Refusal::Busy);
        }
        if number.is_multiple_of(7) {
            return Err(Refusal::Declined);
        }
        let next = books.charges.len() as u64 + 1;
        Ok(*books.charges.entry(reference.to_owned()).or_insert(next))
    }
}

/// The digits at the end of a reference; 1 where there are none.
fn number_of(reference: &str) -> u64 {
    reference.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(1)
}

/// Runs once, at start.
#[provider]
pub(crate) async fn accounts() -> Accounts {
    Accounts::default()
}
