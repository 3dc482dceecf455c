//! The bank that charges customers: here a simulated one, with the moods of a real one.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use comms::provider;

/// Why the bank did not charge a customer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BankError {
    /// Asking again helps.
    #[error("the bank is busy")]
    Busy,
    /// The customer can't pay: a result like any other, no failure of ours.
    #[error("the card was declined")]
    Declined,
    /// Somebody has to look into it.
    #[error("the bank knows no account of `{0}`")]
    NoAccount(String),
}

type Answer = dyn Fn(&str, &str) -> Result<(), BankError> + Send + Sync;

/// Charges customers. Made of a function, so that a test can say how it answers.
#[derive(Clone)]
pub struct Bank(Arc<Answer>);

impl Bank {
    /// A bank that answers like this to a charge: the order, then the customer.
    pub fn answering(answer: impl Fn(&str, &str) -> Result<(), BankError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    /// Charges the customer for the order.
    ///
    /// # Errors
    /// [`BankError`] when nothing was charged.
    pub fn charge(&self, order_id: &str, customer: &str) -> Result<(), BankError> {
        (self.0)(order_id, customer)
    }
}

impl fmt::Debug for Bank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bank")
    }
}

/// The bank of the example. Every fourth order finds it busy at first, every seventh is declined, and
/// `mallory` has no account, so that retries, refusals and dead letters can be seen.
#[provider]
pub(crate) async fn bank() -> Bank {
    let was_busy = Mutex::new(HashSet::new());
    Bank::answering(move |order_id, customer| {
        let number = number_of(order_id);
        if customer == "mallory" {
            Err(BankError::NoAccount(customer.to_owned()))
        } else if number.is_multiple_of(4) && was_busy.lock().unwrap_or_else(PoisonError::into_inner).insert(order_id.to_owned()) {
            Err(BankError::Busy)
        } else if number.is_multiple_of(7) {
            Err(BankError::Declined)
        } else {
            Ok(())
        }
    })
}

/// The digits at the end of an order's id; 1 where there are none.
fn number_of(order_id: &str) -> u64 {
    order_id.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(1)
}
