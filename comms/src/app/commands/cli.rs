//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0  it went well
  1  it failed
  2  the command line or the configuration is wrong
  3  a check found problems, or something that exists differs from what is declared
  4  a broker could not be reached, or refused the login
  5  the broker can't do this from outside of the running process

Configuration: defaults, then comms.toml, then [profile.NAME], then COMMS__PART__PART=value.";

/// Runs the service, or tells about it.
#[derive(Debug, Parser)]
#[command(after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(super) struct Cli {
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Use the keys of [profile.NAME] over the others of the file [env: COMMS_PROFILE].
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Read this file instead of comms.toml [env: COMMS_CONFIG].
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Run until told to stop by SIGTERM or SIGINT (the default).
    Run,
    /// Check configuration, wiring and brokers without starting.
    Check {
        /// Leave out what needs a broker.
        #[arg(long)]
        offline: bool,
    },
    /// Show what is wired: services, subscriptions, handlers, layers in their order.
    Wiring,
    /// Show who publishes and handles what, as a Mermaid graph (JSON with --json).
    Topology {
        #[command(subcommand)]
        action: Option<TopologyAction>,
    },
    /// Print the AsyncAPI 3.0 document.
    Asyncapi,
    /// Print the OpenAPI 3.1 document.
    Openapi,
    /// Show every value of the configuration and where it was set.
    Config,
    /// Show how far subscriptions are behind, or make them read on elsewhere.
    Offsets {
        #[command(subcommand)]
        action: OffsetsAction,
    },
    /// Work on the dead letters.
    Dlq {
        #[command(subcommand)]
        action: DlqAction,
    },
}

/// What to do with the topology.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum TopologyAction {
    /// Show what declaring it would change at the brokers, without doing it.
    Plan,
    /// Declare what is missing at the brokers, as a start would; nothing where something differs.
    Apply,
}

/// What to do with dead letters.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum DlqAction {
    /// List them, oldest first.
    List(Which),
    /// Show one with its payload.
    Show {
        /// The id of the message.
        id: String,
    },
    /// Send them back to their subscription.
    Replay(Chosen),
    /// Destroy them.
    Purge(Chosen),
}

/// Which subscriptions: those that fit all of it.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Whose {
    /// Only those of this service.
    #[arg(long, value_name = "NAME")]
    pub(super) service: Option<String>,
    /// Only those of subscriptions to this topic, as declared.
    #[arg(long)]
    pub(super) topic: Option<String>,
    /// Only those of this group.
    #[arg(long)]
    pub(super) group: Option<String>,
}

/// What to do with the places where groups read.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum OffsetsAction {
    /// Show how far each subscription is behind, and where it stands.
    Show(Whose),
    /// Make a subscription read on elsewhere, while its service is stopped.
    Seek(Target),
}

impl OffsetsAction {
    pub(super) fn whose(&self) -> &Whose {
        match self {
            Self::Show(whose) | Self::Seek(Target { whose, .. }) => whose,
        }
    }
}

/// Where which subscription is to read on.
#[derive(Clone, Debug, Args)]
pub(super) struct Target {
    /// `beginning`, `end`, a time (2026-01-31T12:00:00Z), or a place in the broker's own words: an offset, an id.
    #[arg(long, value_name = "POSITION")]
    pub(super) to: String,
    /// Only in this part of the topic, as `offsets show` names it; with a place.
    #[arg(long)]
    pub(super) part: Option<String>,
    #[command(flatten)]
    pub(super) whose: Whose,
    /// Each of them, where the options fit several.
    #[arg(long)]
    pub(super) all: bool,
}

/// Which dead letters: those that fit all of it.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Which {
    /// Only those of the message with this id.
    #[arg(long)]
    pub(super) id: Option<String>,
    /// Only those of this message type.
    #[arg(long = "type", value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Only those of messages with this key.
    #[arg(long)]
    pub(super) key: Option<String>,
    #[command(flatten)]
    pub(super) of: Whose,
    /// Only the first so many of each subscription.
    #[arg(long, value_name = "COUNT")]
    pub(super) limit: Option<usize>,
}

/// Which dead letters, where none in particular must be said.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Chosen {
    #[command(flatten)]
    pub(super) which: Which,
    /// All of them, if nothing else chooses.
    #[arg(long)]
    pub(super) all: bool,
}

impl Chosen {
    /// Whether anything chooses.
    pub(super) fn is_chosen(&self) -> bool {
        let Which { id, name, key, of: Whose { service, topic, group }, limit } = &self.which;
        self.all || limit.is_some() || [id, name, key, service, topic, group].iter().any(|part| part.is_some())
    }
}
