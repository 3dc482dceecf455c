//! Redis servers, the way to them, and processes that fail under a running application.

mod dedup;
mod network;
mod process;
mod pubsub;
mod server;
