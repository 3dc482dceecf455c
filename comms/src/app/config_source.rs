//! Where configuration is read from: the file, the environment, and whatever layer comes later.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::tree::{Node, Table, Value, overlay};
use crate::config::{Config, ConfigError, ConfigProblem, KnownNames, Origin, env, profile, schema};
use crate::telemetry;

/// The file that is read when no other is named and it is there.
pub(crate) const DEFAULT_FILE: &str = "comms.toml";

/// What a source may look at while it is read.
pub(crate) struct Request<'a> {
    /// The profile that was asked for.
    pub(crate) profile: Option<&'a str>,
    /// The names that the code declares.
    pub(crate) names: Option<&'a KnownNames>,
    /// Everything that the layers below have set.
    pub(crate) below: &'a Table,
}

/// One layer's origin. The later a source is in the list, the higher its layer lies; a remote one is a further source.
pub(crate) trait Source: Send + Sync {
    /// Reads the layer.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn read(&self, request: &Request<'_>) -> Result<Table, Vec<ConfigProblem>>;
}

/// What chooses the configuration: options of the command line, or the environment in their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// `--config FILE` or `COMMS_CONFIG`.
    pub(crate) file: Option<PathBuf>,
    /// `--profile NAME` or `COMMS_PROFILE`.
    pub(crate) profile: Option<String>,
}

/// Reads the configuration of this process: its file, its profile, its environment.
///
/// # Errors
/// Everything that is wrong with it, in all layers.
pub(crate) fn load(choice: &Choice, names: Option<&KnownNames>) -> Result<Config, ConfigError> {
    let sources: [&dyn Source; 3] = [&File { chosen: choice.file.clone() }, &RustLog::of_process(), &Environment::of_process()];
    load_from(&sources, choice.profile.as_deref(), names)
}

/// Lays the sources over each other.
///
/// # Errors
/// Everything that is wrong with them.
pub(crate) fn load_from(sources: &[&dyn Source], profile: Option<&str>, names: Option<&KnownNames>) -> Result<Config, ConfigError> {
    let (mut below, mut layers, mut problems) = (schema::defaults(), Vec::new(), Vec::new());
    for source in sources {
        match source.read(&Request { profile, names, below: &below }) {
            Ok(mut layer) => {
                schema::check(&mut layer, &mut problems);
                overlay(&mut below, layer.clone());
                layers.push(layer);
            }
            Err(found) => problems.extend(found),
        }
    }
    ConfigError::check(problems)?;
    finish(Config::merge(layers)?, names)
}

fn finish(mut config: Config, names: Option<&KnownNames>) -> Result<Config, ConfigError> {
    let mut problems = read_passwords(&mut config);
    problems.extend(names.map(|names| config.check_names(names)).unwrap_or_default());
    if let Err(message) = telemetry::check_filter(&config.log.filter) {
        problems.push(ConfigProblem::new(config.origin("log.filter"), "log.filter", message));
    }
    ConfigError::check(problems).map(|()| config)
}

fn read_passwords(config: &mut Config) -> Vec<ConfigProblem> {
    let wanted: Vec<(String, PathBuf)> =
        config.brokers.iter().filter_map(|(name, broker)| Some((name.clone(), broker.password_file.clone()?))).collect();
    wanted.into_iter().filter_map(|(name, file)| config.set_password(&name, std::fs::read_to_string(file)).err()).collect()
}

/// The configuration file.
struct File {
    chosen: Option<PathBuf>,
}

impl Source for File {
    fn read(&self, request: &Request<'_>) -> Result<Table, Vec<ConfigProblem>> {
        let path = self.chosen.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
        let name: Arc<str> = path.display().to_string().into();
        match std::fs::read_to_string(path) {
            Ok(text) => profile::file_layer(&name, &text, request.profile),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.chosen.is_none() => without_file(&name, request.profile),
            Err(error) => {
                let message = format!("could not read the configuration file: {error}; name another with `--config FILE` or COMMS_CONFIG");
                Err(vec![ConfigProblem::new(Origin::Layer { place: name }, "", message)])
            }
        }
    }
}

/// No file is no mistake, but a profile can only come from one.
fn without_file(name: &Arc<str>, profile: Option<&str>) -> Result<Table, Vec<ConfigProblem>> {
    match profile {
        None => Ok(Table::new()),
        Some(profile) => {
            let message = format!(
                "the profile `{profile}` was asked for, but there is no such file in the working directory; name one with `--config FILE`"
            );
            Err(vec![ConfigProblem::new(Origin::Layer { place: Arc::clone(name) }, "", message)])
        }
    }
}

/// `RUST_LOG`, which everybody knows: below `COMMS__LOG__FILTER`, above the file.
struct RustLog(Option<String>);

impl RustLog {
    fn of_process() -> Self {
        Self(std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty()))
    }
}

impl Source for RustLog {
    fn read(&self, _: &Request<'_>) -> Result<Table, Vec<ConfigProblem>> {
        let Some(filter) = &self.0 else { return Ok(Table::new()) };
        let node = |value| Node::new(value, Origin::Environment { variable: "RUST_LOG".into() });
        let log = Table::from([("filter".to_owned(), node(Value::Text(filter.clone())))]);
        Ok(Table::from([("log".to_owned(), node(Value::Table(log)))]))
    }
}

/// The variables `COMMS__..`.
struct Environment {
    variables: Vec<(String, String)>,
    unreadable: Vec<String>,
}

impl Environment {
    fn of_process() -> Self {
        let (mut variables, mut unreadable) = (Vec::new(), Vec::new());
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => variables.push((name, value)),
                Err(_) => unreadable.push(name),
            }
        }
        // The environment has no order; what is reported should have one.
        variables.sort();
        Self { variables, unreadable }
    }
}

impl Source for Environment {
    fn read(&self, request: &Request<'_>) -> Result<Table, Vec<ConfigProblem>> {
        let ours = |name: &&String| name.get(..env::PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(env::PREFIX));
        if let Some(name) = self.unreadable.iter().find(ours) {
            let origin = Origin::Environment { variable: name.as_str().into() };
            return Err(vec![ConfigProblem::new(origin, "", "the value is not UTF-8 text")]);
        }
        env::parse(self.variables.iter().cloned(), request.below, request.names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Text(&'static str);

    impl Source for Text {
        fn read(&self, request: &Request<'_>) -> Result<Table, Vec<ConfigProblem>> {
            profile::file_layer(&"comms.toml".into(), self.0, request.profile)
        }
    }

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Environment { variables, unreadable: Vec::new() }
    }

    const FILE: Text = Text("[shutdown]\ntimeout = \"1s\"\n[profile.prod.shutdown]\ntimeout = \"2s\"\n");

    fn timeout(config: &Config) -> (u64, String) {
        let setting = config.effective().into_iter().find(|setting| setting.path == "shutdown.timeout").unwrap();
        (config.shutdown.timeout.as_secs(), setting.origin.to_string())
    }

    #[test]
    fn each_layer_lies_over_the_one_before() {
        let with = |profile, variables: &[_]| timeout(&load_from(&[&FILE, &environment(variables)], profile, None).unwrap());
        assert_eq!(timeout(&load_from(&[], None, None).unwrap()), (30, "default".to_owned()));
        assert_eq!(with(None, &[]), (1, "comms.toml:2:11".to_owned()));
        assert_eq!(with(Some("prod"), &[]), (2, "comms.toml:4:11".to_owned()));
        let variable = ("COMMS__SHUTDOWN__TIMEOUT", "3s");
        assert_eq!(with(Some("prod"), &[variable]), (3, "environment COMMS__SHUTDOWN__TIMEOUT".to_owned()));
    }

    #[test]
    fn everything_wrong_in_every_layer_is_reported_at_once() {
        let file = Text("[shutdwn]\n[log]\nformat = 1\n");
        let error =
            load_from(&[&file, &environment(&[("COMMS__ADMN__X", "1"), ("COMMS__ADMIN__ENABLED", "maybe")])], None, None).unwrap_err();
        let text = error.to_string();
        for expected in [
            "the configuration is wrong in 4 places",
            "comms.toml:1:2: `shutdwn`: unknown key; did you mean `shutdown`?",
            "comms.toml:3:10: `log.format`",
            "environment COMMS__ADMN__X: `admn`: unknown key; did you mean `admin`?",
            "environment COMMS__ADMIN__ENABLED: `admin.enabled`: expected `true` or `false`, found the text `maybe`",
        ] {
            assert!(text.contains(expected), "{expected}\n not in {text}");
        }
    }

    #[test]
    fn a_wrong_log_filter_is_found_before_anything_starts() {
        let error = load_from(&[&Text("[log]\nfilter = \"info,=\"\n")], None, None).unwrap_err();
        assert!(error.to_string().contains("comms.toml:2:10: `log.filter`"), "{error}");
    }

    #[test]
    fn rust_log_sets_the_filter_between_file_and_environment() {
        let load = |sources: &[&dyn Source]| load_from(sources, None, None).unwrap().log.filter;
        let (file, rust_log) = (Text("[log]\nfilter = \"warn\"\n"), RustLog(Some("debug".to_owned())));
        assert_eq!(load(&[&file, &rust_log, &environment(&[])]), "debug");
        assert_eq!(load(&[&file, &rust_log, &environment(&[("COMMS__LOG__FILTER", "trace")])]), "trace");
    }

    #[test]
    fn a_password_is_read_from_its_file() {
        let folder = std::env::temp_dir().join(format!("comms-config-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (file, secret) = (folder.join("comms.toml"), folder.join("password"));
        std::fs::write(&secret, "hunter2\n").unwrap();
        std::fs::write(&file, format!("[brokers.default]\nurl = \"amqp://u@h\"\npassword_file = {secret:?}\n")).unwrap();
        let config = load_from(&[&File { chosen: Some(file.clone()) }], None, None).unwrap();
        assert_eq!(config.brokers["default"].connect_url().expose(), "amqp://u:hunter2@h");

        std::fs::remove_file(&secret).unwrap();
        let error = load_from(&[&File { chosen: Some(file) }], None, None).unwrap_err().to_string();
        assert!(error.contains("comms.toml:3:17: `brokers.default.password_file`: could not read the password"), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let error = load_from(&[&File { chosen: Some("/nowhere/comms.toml".into()) }], None, None).unwrap_err().to_string();
        assert!(error.contains("/nowhere/comms.toml: could not read the configuration file"), "{error}");
    }
}
