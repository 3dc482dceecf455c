//! What is sent and answered: about 256 bytes of JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An order.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The id.
    pub id: u64,
    /// Fills it up.
    pub text: String,
}

impl Order {
    /// Of the usual size.
    #[must_use]
    pub fn new() -> Self {
        Self { id: 1_000_000, text: "x".repeat(228) }
    }
}

impl Default for Order {
    fn default() -> Self {
        Self::new()
    }
}
