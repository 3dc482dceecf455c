//! Clients, written by hand: against services in this process, over a port, and against peers of all kinds.
#![cfg(all(feature = "http", feature = "testing"))]
#![allow(unreachable_pub, dead_code, reason = "one test binary in several files")]

mod addresses;
mod answers;
mod app;
mod around;
mod bank;
mod bounds;
mod calls;
mod fakes;
mod home;
mod layers;
mod moving;
mod peer;
#[cfg(feature = "tls")]
mod tls;
