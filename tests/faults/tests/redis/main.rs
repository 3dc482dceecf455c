//! Redis servers, the way to them, and processes that fail under a running application.

mod network;
mod process;
mod server;
