//! Servers. They know nothing of what they serve: that is handed to them.

pub(crate) mod admin;
