//! What a typed client is told beside its channel.

use std::time::Duration;

use super::ClientDecl;
use crate::config::ClientConfig;

/// How long one call may take when nobody says.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The bounds of a client's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The name of the client, for errors and the log.
    pub name: &'static str,
    /// How long a whole call may take, from its beginning to the end of the answer; an earlier deadline of the context
    /// holds. None: what the method says, else 30 seconds.
    pub timeout: Option<Duration>,
    /// How long each wait for more of an answer's body may take.
    pub read_timeout: Duration,
    /// How many bytes the body of an answer may have.
    pub answer_limit: usize,
}

impl Settings {
    /// Those of the configuration.
    #[must_use]
    pub fn of(name: &'static str, config: &ClientConfig) -> Self {
        Self { name, timeout: config.timeout, read_timeout: config.read_timeout, answer_limit: config.answer_limit }
    }

    /// Those of the configuration; what it leaves open is as the attribute says.
    #[must_use]
    pub fn declared(decl: &ClientDecl, config: &ClientConfig) -> Self {
        let settings = Self::of(decl.name, config);
        Self { timeout: settings.timeout.or(decl.timeout), ..settings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientKind;
    use crate::location::Location;

    #[test]
    fn the_configuration_comes_before_the_attribute() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let decl = ClientDecl::new("bank", ClientKind::Http, "payments", Location::new("bank.rs", 1));
        let mut config = ClientConfig::default();
        let timeout = |decl: &ClientDecl, config: &ClientConfig| Settings::declared(decl, config).timeout;
        assert_eq!(timeout(&decl, &config), None);
        let decl = decl.timeout(Duration::from_secs(5));
        assert_eq!(timeout(&decl, &config), seconds(5));
        config.timeout = seconds(2);
        assert_eq!(timeout(&decl, &config), seconds(2));
    }
}
