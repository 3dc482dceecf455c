//! Servers, networks and processes that fail under a running application.

mod network;
mod process;
mod server;
