//! The operator commands of the generated main.
//!
//! Each command is a function from what it needs to a [`Report`]; only [`main`] reads arguments, prints and
//! knows the process.

mod asyncapi;
mod brokers;
mod check;
mod cli;
mod config;
mod dlq;
mod document;
mod offsets;
mod openapi;
mod report;
mod topology;
mod wiring;
mod work;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, FromArgMatches as _};
use futures_util::future::BoxFuture;

use super::config_source::{Choice, load};
use super::model::AppModel;
use crate::broker::{Broker, BrokerError};
use crate::config::{BrokerConfig, Config, ConfigError};
use crate::error::BoxError;
pub(super) use asyncapi::document as asyncapi_document;
use cli::{Cli, Command, TopologyAction};
pub(super) use openapi::document as openapi_document;
pub(crate) use report::{Exit, Report};

/// The application as the commands see it.
pub(crate) trait Program: Send + Sync {
    /// What it is made of, with the overrides of the configuration.
    fn model(&self, config: &Config) -> AppModel;

    /// Everything that would keep it from starting, as far as it can be known without connecting to anything and
    /// without running a provider.
    fn check(&self, config: &Config) -> Vec<String>;

    /// Connects to a broker of the configuration.
    fn connect<'a>(&'a self, name: &'a str, broker: &'a BrokerConfig) -> BoxFuture<'a, Result<Arc<dyn Broker>, BrokerError>>;

    /// Sets logging up and runs until the process is told to stop.
    fn run(self: Box<Self>, config: Config) -> BoxFuture<'static, Result<(), BoxError>>;
}

/// Reads the arguments, does what they say, and says by its exit code how that went.
pub(crate) fn main(arguments: impl IntoIterator<Item = OsString>, program: Box<dyn Program>) -> ExitCode {
    let model = program.model(&Config::default());
    let cli = match parse(arguments, &model.name) {
        Ok(cli) => cli,
        Err(error) => {
            // Where standard error is closed there is nobody to tell.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    let json = cli.json;
    let report = execute(cli, &model, program);
    print(&report, json);
    report.exit.into()
}

fn parse(arguments: impl IntoIterator<Item = OsString>, name: &str) -> Result<Cli, clap::Error> {
    let command = Cli::command().bin_name(name);
    Cli::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

fn execute(cli: Cli, model: &AppModel, program: Box<dyn Program>) -> Report {
    let choice = choice(&cli);
    let loaded = load(&choice, Some(&model.names()));
    let command = cli.command.unwrap_or(Command::Run);
    match (command, loaded) {
        (Command::Check { .. }, Err(error)) => check::wrong_config(&error),
        (_, Err(error)) => Report::wrong_config(&error),
        (command, Ok(config)) => with_config(command, config, program),
    }
}

fn with_config(command: Command, config: Config, program: Box<dyn Program>) -> Report {
    let model = program.model(&config);
    match command {
        Command::Run => run(config, program),
        Command::Check { offline } => on_runtime(check::check(program.as_ref(), &model, &config, offline)),
        Command::Wiring => wiring::wiring(&model),
        Command::Topology { action: None } => topology::topology(&model),
        Command::Topology { action: Some(TopologyAction::Plan) } => on_runtime(topology::plan(program.as_ref(), &model, &config)),
        Command::Topology { action: Some(TopologyAction::Apply) } => on_runtime(topology::apply(program.as_ref(), &model, &config)),
        Command::Asyncapi => document::printed(asyncapi::document(&model, &config)),
        Command::Openapi => document::printed(openapi::document(&model, &config)),
        Command::Config => config::config(&config),
        Command::Offsets { action } => on_runtime(offsets::offsets(program.as_ref(), &model, &config, &action)),
        Command::Dlq { action } => on_runtime(dlq::dlq(program.as_ref(), &model, &config, &action)),
    }
}

fn run(config: Config, program: Box<dyn Program>) -> Report {
    on_runtime(async move {
        match program.run(config).await {
            Ok(()) => Report::silent(),
            Err(error) => Report::of_error(error.as_ref()),
        }
    })
}

fn on_runtime(future: impl Future<Output = Report>) -> Report {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => Report::failed(Exit::Failure, format!("could not start the tokio runtime: {error}")),
    }
}

fn choice(cli: &Cli) -> Choice {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    Choice {
        file: cli.config.clone().or_else(|| variable("COMMS_CONFIG").map(Into::into)),
        profile: cli.profile.clone().or_else(|| variable("COMMS_PROFILE").and_then(|name| name.into_string().ok())),
    }
}

/// The result goes to standard output, remarks and errors to standard error. A reader that went away is no failure.
fn print(report: &Report, json: bool) {
    let _ = std::io::stderr().write_all(report.remarks(json).as_bytes());
    let _ = std::io::stdout().write_all(report.result(json).as_bytes());
    let _ = std::io::stdout().flush();
}

/// All problems of a configuration, for machines.
fn problems_json(error: &ConfigError) -> serde_json::Value {
    serde_json::json!(error.problems())
}

#[cfg(test)]
mod tests;
