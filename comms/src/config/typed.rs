//! The whole configuration, out of all layers.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::clients::ClientConfig;
use super::secret::Secret;
use super::sections::read::{duration, named};
use super::sections::{
    AdminConfig, BrokerConfig, GrpcConfig, HandlerConfig, HttpConfig, LogConfig, MetricsConfig, ServiceConfig, ShutdownConfig,
    SubscriptionConfig,
};
use super::tree::{self, Node, Table};
use super::{ConfigError, ConfigProblem, Origin, Settings, schema};

/// The whole configuration of a process, valid in itself.
///
/// What [`KnownNames`](super::KnownNames) must confirm is left to [`check_names`](Self::check_names).
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// The brokers by name; `default` is always there, `memory:` unless configured.
    pub brokers: BTreeMap<String, BrokerConfig>,
    /// What overrides the attributes of services, by their names.
    pub services: BTreeMap<String, ServiceConfig>,
    /// Where other services are, by the names of their clients.
    pub clients: BTreeMap<String, ClientConfig>,
    /// The HTTP port.
    pub http: HttpConfig,
    /// gRPC.
    pub grpc: GrpcConfig,
    /// The admin port.
    pub admin: AdminConfig,
    /// What is measured.
    pub metrics: MetricsConfig,
    /// The log.
    pub log: LogConfig,
    /// The end.
    pub shutdown: ShutdownConfig,
    tree: Table,
}

// Without the tree, which holds passwords and the user's own tables as they were written.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Config");
        shown.field("brokers", &self.brokers).field("services", &self.services).field("clients", &self.clients);
        shown.field("http", &self.http).field("grpc", &self.grpc).field("admin", &self.admin);
        shown.field("metrics", &self.metrics).field("log", &self.log).field("shutdown", &self.shutdown).finish_non_exhaustive()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::from_tree(schema::defaults())
    }
}

impl Config {
    /// The configuration of all layers laid over each other, defaults at the bottom.
    ///
    /// # Errors
    /// Each contradiction between keys.
    pub(crate) fn merge(layers: impl IntoIterator<Item = Table>) -> Result<Self, ConfigError> {
        let mut tree = schema::defaults();
        layers.into_iter().for_each(|layer| tree::overlay(&mut tree, layer));
        ConfigError::check(super::rules::check(&tree))?;
        Ok(Self::from_tree(tree))
    }

    /// The configuration that the text of one file makes, without profile and environment.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    ///
    /// ```
    /// let config = comms::config::Config::from_toml("[shutdown]\ntimeout = \"5s\"")?;
    /// assert_eq!(config.shutdown.timeout.as_secs(), 5);
    /// # Ok::<_, comms::config::ConfigError>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let layer = super::profile::file_layer(&"comms.toml".into(), text, None);
        match layer {
            Ok(layer) => Self::merge([layer]),
            Err(problems) => ConfigError::check(problems).map(|()| Self::default()),
        }
    }

    /// What overrides the attribute of the handler; nothing, for most.
    #[must_use]
    pub fn handler(&self, service: &str, handler: &str) -> HandlerConfig {
        self.services.get(service).and_then(|service| service.handlers.get(handler)).cloned().unwrap_or_default()
    }

    /// What overrides the subscription: the entry `topic@group` if there is one, else `topic`.
    #[must_use]
    pub fn subscription(&self, service: &str, topic: &str, group: &str) -> SubscriptionConfig {
        let Some(service) = self.services.get(service) else { return SubscriptionConfig::default() };
        let exact = service.subscriptions.get(&format!("{topic}@{group}"));
        exact.or_else(|| service.subscriptions.get(topic)).cloned().unwrap_or_default()
    }

    /// The user's own tables, `[app]`.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::new(self.tree.get("app").and_then(Node::as_table).cloned().unwrap_or_default())
    }

    /// Every value with its place.
    pub(crate) fn tree(&self) -> &Table {
        &self.tree
    }

    /// Where the value at the dotted path was set.
    pub(crate) fn origin(&self, path: &str) -> Origin {
        let names: Vec<&str> = path.split('.').collect();
        tree::find(&self.tree, &names).map_or(Origin::Default, |node| node.origin.clone())
    }

    /// Takes over what was read from the `password_file` of the broker: without the line end at its end.
    ///
    /// # Errors
    /// A problem at the place of the key when the file could not be read.
    pub(crate) fn set_password(&mut self, broker: &str, content: std::io::Result<String>) -> Result<(), ConfigProblem> {
        let path = ["brokers", broker, "password_file"];
        let origin = tree::find(&self.tree, &path).map_or(Origin::Default, |node| node.origin.clone());
        let Some(config) = self.brokers.get_mut(broker) else { return Ok(()) };
        let file = config.password_file.as_deref().unwrap_or(Path::new("")).display();
        let unreadable = |error| format!("could not read the password from the file `{file}`: {error}");
        let content = content.map_err(|error| ConfigProblem::new(origin, path.join("."), unreadable(error)))?;
        config.password = Some(Secret::new(content.trim_end_matches(['\r', '\n']).to_owned()));
        Ok(())
    }

    fn from_tree(tree: Table) -> Self {
        Self {
            brokers: named(&tree, "brokers", BrokerConfig::read),
            services: named(&tree, "service", ServiceConfig::read),
            clients: named(&tree, "clients", ClientConfig::read),
            http: HttpConfig::read(&tree),
            grpc: GrpcConfig::read(&tree),
            admin: AdminConfig::read(&tree),
            log: LogConfig::read(&tree),
            metrics: MetricsConfig::read(&tree),
            shutdown: ShutdownConfig {
                unready_for: duration(&tree, &["shutdown", "unready_for"]).unwrap_or(Duration::ZERO),
                timeout: duration(&tree, &["shutdown", "timeout"]).unwrap_or(Duration::from_secs(30)),
            },
            tree,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LogFormat;

    #[test]
    fn nothing_configured_is_the_documented_defaults() {
        let config = Config::default();
        assert_eq!(config.brokers["default"], BrokerConfig::new("memory:"));
        assert_eq!((config.admin.enabled, config.admin.address.to_string().as_str()), (true, "127.0.0.1:9464"));
        assert_eq!((config.http.enabled, config.http.address.to_string().as_str()), (true, "127.0.0.1:8080"));
        assert_eq!((config.http.header_limit, config.http.read_timeout), (16_384, Duration::from_secs(10)));
        assert_eq!(config.http.max_connections, 10_000);
        assert_eq!((config.grpc.enabled, config.grpc.address, config.grpc.stream_grace), (true, None, Duration::from_secs(1)));
        assert_eq!((config.grpc.request_limit, config.grpc.answer_limit), (4 << 20, 4 << 20));
        assert_eq!((config.grpc.read_timeout, config.grpc.message_timeout), (Duration::from_secs(10), Duration::from_secs(60)));
        assert_eq!((config.http.keep_alive_interval, config.http.keep_alive_timeout), (Duration::from_secs(10), Duration::from_secs(10)));
        let slower = Config::from_toml("[http]\nread_timeout = \"20s\"\nkeep_alive_timeout = \"3s\"").unwrap().http;
        assert_eq!((slower.keep_alive_interval, slower.keep_alive_timeout), (Duration::from_secs(20), Duration::from_secs(3)));
        assert_eq!((config.log.format, config.log.filter.as_str()), (LogFormat::Auto, "info"));
        assert_eq!((config.shutdown.unready_for, config.shutdown.timeout), (Duration::ZERO, Duration::from_secs(30)));
    }

    #[test]
    fn overrides_are_found_by_name() {
        let config = Config::from_toml(
            "[service.billing.subscription.orders]\nconcurrency = 4\n[service.billing.subscription.\"orders@audit\"]\ndedup = \"0s\"\n[service.billing.handler.on_paid]\ntimeout = \"2s\"\nretry = { max = 3, backoff = \"1s..5s\" }\n",
        )
        .unwrap();
        assert_eq!(config.subscription("billing", "orders", "billing").concurrency, Some(4));
        assert_eq!(
            config.subscription("billing", "orders", "audit"),
            SubscriptionConfig { concurrency: None, dedup: Some(Duration::ZERO), throttle: None }
        );
        let handler = config.handler("billing", "on_paid");
        assert_eq!((handler.timeout, handler.retry.max, handler.retry.immediate), (Some(Duration::from_secs(2)), Some(3), None));
        assert_eq!(handler.retry.backoff, Some((Duration::from_secs(1), Duration::from_secs(5))));
        assert_eq!(config.handler("billing", "other"), HandlerConfig::default());
    }

    #[test]
    fn the_debug_form_shows_no_secret() {
        let config = Config::from_toml(
            "[brokers.default]\nurl = \"amqp://u:hunter2@h\"\n[brokers.b]\nurl = \"amqp://u@h\"\npassword = \"hunter2\"\n",
        )
        .unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        assert_eq!(config.brokers["b"].connect_url().expose(), "amqp://u:hunter2@h");
        assert_eq!(config.brokers["b"].scheme(), "amqp");
    }
}
