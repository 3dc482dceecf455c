//! Contracts as a service and its callers share them: over a port, in the process, with fakes.
#![cfg(all(feature = "http", feature = "testing"))]

mod calls;
mod payments;
