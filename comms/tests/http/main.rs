//! Routes, written by hand: what they answer in the process, and how the port behaves towards clients of all kinds.
#![cfg(all(feature = "http", feature = "testing"))]

mod answers;
mod client;
mod misbehaved;
mod orders;
mod port;
mod shutdown;
