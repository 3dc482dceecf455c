//! The attributes of `comms`.
