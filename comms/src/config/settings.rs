//! The user's own part of the configuration.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::de::Reader;
use super::tree::{Node, Table, Value};
use super::{ConfigError, ConfigProblem, Origin};

/// The tables under `[app]`. Ask for it in a provider, a service or a handler, and read your section.
///
/// ```
/// # use comms::config::{Config, Period};
/// #[derive(serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Billing { currency: String, due_in: Period }
///
/// let settings = Config::from_toml("[app.billing]\ncurrency = \"EUR\"\ndue_in = \"48h\"")?.settings();
/// let billing: Billing = settings.section("billing")?;
/// assert_eq!((billing.currency.as_str(), billing.due_in.0.as_secs()), ("EUR", 172_800));
/// # Ok::<_, comms::config::ConfigError>(())
/// ```
///
/// A wrong value is an error with its place:
///
/// ```
/// # use comms::config::Config;
/// #[derive(serde::Deserialize)]
/// struct Billing { currency: u32 }
///
/// let settings = Config::from_toml("[app.billing]\ncurrency = \"EUR\"")?.settings();
/// let error = settings.section::<Billing>("billing").map(|billing| billing.currency).unwrap_err();
/// assert!(error.to_string().contains("comms.toml:2:12: `app.billing.currency`"), "{error}");
/// # Ok::<_, comms::config::ConfigError>(())
/// ```
#[derive(Clone, Default)]
pub struct Settings {
    app: Arc<Table>,
}

impl Settings {
    pub(crate) fn new(app: Table) -> Self {
        Self { app: Arc::new(app) }
    }

    /// The section `[app.NAME]`, or dotted, `mail.smtp`, as the type. A section that is not there reads like an empty one, so that a
    /// type with defaults for all its fields needs none.
    ///
    /// # Errors
    /// When a value has the wrong type, or one without a default is missing; the place of the value is in it.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        let names: Vec<&str> = name.split('.').collect();
        let missing = Node::new(Value::Table(Table::new()), Origin::Default);
        let node = super::tree::find(&self.app, &names).unwrap_or(&missing);
        T::deserialize(Reader::new(node, format!("app.{name}"))).map_err(|error| {
            let message = if *node == missing { format!("{}; there is no `[app.{name}]`", error.message) } else { error.message };
            let (origin, path) = error.place.unwrap_or((node.named.clone(), format!("app.{name}")));
            ConfigProblem::new(origin, path, message).into()
        })
    }
}

// The values may be secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.app.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, env};

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Mail {
        host: String,
        #[serde(default)]
        port: Option<u16>,
        #[serde(default)]
        mode: Mode,
        #[serde(default)]
        tags: Vec<String>,
    }

    #[derive(Debug, PartialEq, Default, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        #[default]
        Plain,
        Tls {
            ca: String,
        },
    }

    fn settings(text: &str, variables: &[(&str, &str)]) -> Settings {
        let file = crate::config::profile::file_layer(&"comms.toml".into(), text, None).unwrap();
        let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let layer = env::parse(variables, &file, None).unwrap();
        Config::merge([file, layer]).unwrap().settings()
    }

    #[test]
    fn text_of_the_environment_becomes_what_the_type_wants() {
        let settings = settings("[app.mail]\nhost = \"a\"\n", &[("COMMS__APP__MAIL__PORT", "25"), ("COMMS__APP__MAIL__HOST", "25")]);
        let mail: Mail = settings.section("mail").unwrap();
        assert_eq!(mail, Mail { host: "25".into(), port: Some(25), mode: Mode::Plain, tags: vec![] });
    }

    #[test]
    fn enums_and_lists_are_read() {
        let settings = settings("[app.mail]\nhost = \"a\"\ntags = [\"x\"]\nmode = { tls = { ca = \"f\" } }\n", &[]);
        let mail: Mail = settings.section("mail").unwrap();
        assert_eq!((mail.mode, mail.tags), (Mode::Tls { ca: "f".into() }, vec!["x".to_owned()]));
    }

    #[test]
    fn what_does_not_fit_is_reported_where_it_stands() {
        let error = |text: &str, variables: &[_]| settings(text, variables).section::<Mail>("mail").unwrap_err().to_string();
        assert!(
            error("[app.mail]\nhost = 7\n", &[]).contains("comms.toml:2:8: `app.mail.host`: invalid type: integer `7`, expected a string")
        );
        assert!(error("[app.mail]\nhost = \"a\"\nprot = 1\n", &[]).contains("comms.toml:3:1: `app.mail.prot`: unknown field `prot`"));
        assert!(error("[app.mail]\nport = 1\n", &[]).contains("comms.toml:1:6: `app.mail`: missing field `host`"));
        assert!(error("", &[]).contains("missing field `host`; there is no `[app.mail]`"));
        let wrong = error("[app.mail]\nhost = \"a\"\n", &[("COMMS__APP__MAIL__PORT", "many")]);
        assert!(
            wrong.contains("environment COMMS__APP__MAIL__PORT: `app.mail.port`: invalid type: string \"many\", expected u16"),
            "{wrong}"
        );
    }

    #[test]
    fn the_debug_form_shows_names_only() {
        assert_eq!(format!("{:?}", settings("[app.mail]\npassword = \"hunter2\"\n", &[])), "{\"mail\"}");
    }
}
