//! What holds on every broker.

pub mod failing;
pub mod giving_up;
pub mod ordering;
pub mod requests;
pub mod sharing;
pub mod stopping;
pub mod transactions;
