//! The view of the shop: one more service, which listens to everything and prints it.

mod screen;
mod view;

pub use screen::Screen;
pub use view::View;

comms::wiring!();
