//! Routes, written by hand: what they answer in the process, and how the port behaves towards clients of all kinds.
#![cfg(all(feature = "http", feature = "testing"))]
#![allow(unreachable_pub, dead_code, reason = "one test binary in several files")]

mod answers;
mod bodies;
mod client;
mod hostile;
mod http2;
mod merged;
mod misbehaved;
mod orders;
#[cfg(feature = "compression")]
mod packed;
mod parcels;
mod port;
#[cfg(feature = "tls")]
mod secure;
mod shutdown;
mod streams;
