//! Support for tests, of users' services and of `comms` itself: applications on their generated wiring,
//! real servers started from the programs on PATH, and a TCP proxy that injects faults. Behind the
//! feature `testing`.

mod app;
#[cfg(feature = "http")]
mod fake;
#[cfg(feature = "http")]
mod http;
pub mod proxy;
mod recorder;
mod script;
pub mod servers;

pub use app::{TestApp, TestAppBuilder};
#[cfg(feature = "http")]
pub use fake::{Fake, Routes};
#[cfg(feature = "http")]
pub use http::{HttpAnswer, HttpCall, HttpStream, TestHttp};
pub use script::Script;
