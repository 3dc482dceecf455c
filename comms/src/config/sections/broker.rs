//! Brokers.

use std::fmt;
use std::path::PathBuf;

use super::read::text;
use crate::config::secret::{self, Secret};
use crate::config::tree::Table;

/// `[brokers.NAME]`. Never prints a password.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokerConfig {
    url: String,
    /// The password, if it is not in the URL.
    pub password: Option<Secret<String>>,
    /// The file that holds the password; whoever reads files puts its content into `password`.
    pub password_file: Option<PathBuf>,
}

impl BrokerConfig {
    /// A broker at the URL.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), password: None, password_file: None }
    }

    /// What chooses the backend: `amqp`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.url.split_once(':').map_or("", |(scheme, _)| scheme)
    }

    /// The URL for a person: a password in it is masked.
    #[must_use]
    pub fn shown_url(&self) -> String {
        secret::mask_url(&self.url)
    }

    /// The URL to connect to, with the password in it.
    #[must_use]
    pub fn connect_url(&self) -> Secret<String> {
        Secret::new(match &self.password {
            Some(password) => secret::with_password(&self.url, password.expose()),
            None => self.url.clone(),
        })
    }

    pub(in crate::config) fn read(table: &Table) -> Self {
        Self {
            password: text(table, &["password"]).map(Secret::new),
            password_file: text(table, &["password_file"]).map(PathBuf::from),
            ..Self::new(text(table, &["url"]).unwrap_or_default())
        }
    }
}

impl fmt::Debug for BrokerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("BrokerConfig");
        shown.field("url", &self.shown_url()).field("password", &self.password).field("password_file", &self.password_file).finish()
    }
}
