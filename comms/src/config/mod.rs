//! Configuration: what may be configured, with types and rules. Reading files and the environment is
//! `app`'s; here is no I/O.
//!
//! Layers lie over each other, each value remembering where it was set: defaults, the file, its profile,
//! the environment. Unknown keys and wrong values are errors with their place, all of them at once.

mod clients;
mod de;
mod effective;
pub(crate) mod env;
// The same text is a public module of `comms-syntax`.
#[allow(unreachable_pub, dead_code, reason = "word for word the file that comms-syntax has")]
pub(crate) mod keys;
mod names;
mod problem;
pub(crate) mod profile;
mod rules;
pub(crate) mod schema;
mod secret;
mod sections;
mod settings;
pub(crate) mod toml;
pub(crate) mod tree;
mod typed;

#[cfg(feature = "http")]
pub(crate) use clients::check_address;
pub use clients::{ClientConfig, ClientTlsConfig, Protocol};
pub use effective::Setting;
pub use names::{KnownHandler, KnownNames, KnownService};
pub use problem::{ConfigError, ConfigProblem, Origin};
pub use secret::{MASK, Secret, mask_url};
pub use sections::{
    AdminConfig, BrokerConfig, GrpcConfig, HandlerConfig, HttpConfig, HttpTlsConfig, LimitConfig, LogConfig, LogFormat, MetricsConfig,
    RetryConfig, ServiceConfig, ShutdownConfig, SubscriptionConfig,
};
pub use settings::Settings;
pub use typed::Config;

pub(crate) use crate::text::suggest;
pub use crate::text::{InvalidDuration, InvalidSize, Period, Size, format_duration, parse_duration, parse_duration_range};
