//! Contracts as a service and its callers share them: over a port, in the process, with fakes.
#![cfg(all(feature = "http", feature = "testing"))]

mod bodies;
mod calls;
mod declared;
mod foreign;
mod keys;
mod media;
mod payments;
#[cfg(feature = "multipart")]
mod pictures;
mod retries;
mod streams;
