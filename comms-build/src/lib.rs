//! The build script side of `comms`.
