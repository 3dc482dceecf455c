//! Places orders at a slow pace, so that there is something to see.

mod load;

pub use load::{Load, Loadgen, Orders};

comms::wiring!();
