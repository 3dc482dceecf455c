//! The service that tells customers what happens to their orders.

mod mailer;
mod service;

pub use mailer::{Mail, Mailer};
pub use service::Notifications;

comms::wiring!();
