//! Support for tests, of users' services and of `comms` itself: real servers started from the
//! programs on PATH, and a TCP proxy that injects faults. Behind the feature `testing`.

pub mod proxy;
pub mod servers;
