//! What people write and read in settings and URLs: durations, sizes, and names that are nearly right.

mod duration;
mod size;
mod suggest;

pub use duration::{InvalidDuration, Period, format_duration, parse_duration, parse_duration_range};
pub use size::{InvalidSize, Size};
pub(crate) use suggest::suggest;
