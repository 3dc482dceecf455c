//! How fast something may go: rates, and the throttles that keep them.

mod rate;
mod throttle;
mod throttles;

pub use rate::{InvalidRate, Rate};
pub use throttle::Throttle;
pub use throttles::Throttles;
