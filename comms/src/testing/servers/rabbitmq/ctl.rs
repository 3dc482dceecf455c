//! Administration by `rabbitmqctl`, in the server's own environment.

use serde::Deserialize;

use super::RabbitMq;
use super::node::Node;
use crate::testing::servers::ServerError;

/// What a user may do in a virtual host: a regular expression over names for each kind of act.
#[derive(Debug, Clone)]
pub struct Permissions {
    /// Which queues and exchanges may be declared and deleted.
    pub configure: String,
    /// Which exchanges may be published to (and queues bound).
    pub write: String,
    /// Which queues may be consumed from (and exchanges bound).
    pub read: String,
}

impl Permissions {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::matching(".*")
    }

    /// Nothing (but server-named queues).
    #[must_use]
    pub fn none() -> Self {
        Self::matching("^$")
    }

    /// Everything on names that this regular expression matches.
    #[must_use]
    pub fn matching(pattern: &str) -> Self {
        Self { configure: pattern.to_owned(), write: pattern.to_owned(), read: pattern.to_owned() }
    }
}

/// A queue, as the server sees it at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct QueueInfo {
    /// Its name.
    pub name: String,
    /// `classic`, `quorum`, `stream`; older servers say the module's name for quorum queues.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it survives a restart.
    pub durable: bool,
    /// Messages ready and unacknowledged.
    pub messages: u64,
    /// Messages that wait for a consumer.
    #[serde(rename = "messages_ready")]
    pub ready: u64,
    /// Messages that a consumer has and has not acknowledged.
    #[serde(rename = "messages_unacknowledged")]
    pub unacknowledged: u64,
    /// Consumers.
    pub consumers: u64,
}

const QUEUE_COLUMNS: [&str; 7] = ["name", "type", "durable", "messages", "messages_ready", "messages_unacknowledged", "consumers"];

/// Administration. Each call runs `rabbitmqctl` once (most of a second of processor time) and fails
/// with [`ServerError::NotRunning`] when the server was killed or stopped, and with
/// [`ServerError::Command`] when it refuses.
impl RabbitMq {
    /// Runs `rabbitmqctl` with these arguments and returns what it printed.
    ///
    /// # Errors
    /// See above.
    pub async fn ctl(&self, arguments: &[&str]) -> Result<String, ServerError> {
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self.run(move |node| node.ctl(&arguments)).await
    }

    /// Adds a virtual host, where the administrator of the builder may do everything.
    ///
    /// # Errors
    /// See above.
    pub async fn add_vhost(&self, name: &str) -> Result<(), ServerError> {
        self.ctl(&["add_vhost", name]).await?;
        let administrator = self.node.options.user.clone();
        self.set_permissions(name, &administrator, &Permissions::all()).await
    }

    /// Adds a user, who may do nothing until [`RabbitMq::set_permissions`].
    ///
    /// # Errors
    /// See above.
    pub async fn add_user(&self, name: &str, password: &str) -> Result<(), ServerError> {
        self.ctl(&["add_user", "--", name, password]).await.map(drop)
    }

    /// Sets what a user may do in a virtual host.
    ///
    /// # Errors
    /// See above.
    pub async fn set_permissions(&self, vhost: &str, user: &str, permissions: &Permissions) -> Result<(), ServerError> {
        let Permissions { configure, write, read } = permissions;
        self.ctl(&["set_permissions", "-p", vhost, user, configure, write, read]).await.map(drop)
    }

    /// Declares a policy for the queues and exchanges of `vhost` whose names match `pattern`.
    ///
    /// # Errors
    /// See above.
    pub async fn declare_policy(&self, vhost: &str, name: &str, pattern: &str, definition: &serde_json::Value) -> Result<(), ServerError> {
        let definition = definition.to_string();
        self.ctl(&["set_policy", "-p", vhost, name, pattern, &definition]).await.map(drop)
    }

    /// The queues of the default virtual host.
    ///
    /// # Errors
    /// See above; [`ServerError::Answer`] when the answer can't be read.
    pub async fn queues(&self) -> Result<Vec<QueueInfo>, ServerError> {
        self.queues_in("/").await
    }

    /// The queues of a virtual host.
    ///
    /// # Errors
    /// See above; [`ServerError::Answer`] when the answer can't be read.
    pub async fn queues_in(&self, vhost: &str) -> Result<Vec<QueueInfo>, ServerError> {
        let options = ["list_queues", "-p", vhost, "--formatter", "json"];
        let output = self.ctl(&[&options[..], &QUEUE_COLUMNS].concat()).await?;
        serde_json::from_str(&output).map_err(|source| ServerError::Answer {
            command: "rabbitmqctl list_queues".to_owned(),
            output,
            source,
        })
    }

    /// Raises the memory alarm: the server stops reading from connections that publish
    /// (`connection.blocked`) until [`RabbitMq::clear_memory_alarm`].
    ///
    /// # Errors
    /// See above.
    pub async fn raise_memory_alarm(&self) -> Result<(), ServerError> {
        self.ctl(&["set_vm_memory_high_watermark", "0"]).await.map(drop)
    }

    /// Ends a memory alarm.
    ///
    /// # Errors
    /// See above.
    pub async fn clear_memory_alarm(&self) -> Result<(), ServerError> {
        self.ctl(&["set_vm_memory_high_watermark", "0.6"]).await.map(drop)
    }

    /// Has the server write what was declared (queues, exchanges, bindings, users) to its disk.
    ///
    /// RabbitMQ 3 answers a declaration before it is on the disk: Mnesia's log waits in a buffer, and
    /// the table that says which log belongs to which quorum queue is saved every 500 ms
    /// (`ra_directory.erl` of `rabbitmq/ra`). After a [`RabbitMq::kill`] before that, a classic queue
    /// is gone and a quorum queue starts anew, empty and without a leader. A test that is about
    /// messages calls this between declaring and killing.
    ///
    /// # Errors
    /// See above.
    pub async fn sync_declarations(&self) -> Result<(), ServerError> {
        const SYNC: &str = "ok = mnesia:sync_log(), [ok = dets:sync(Table) || Table <- dets:all()].";
        self.ctl(&["eval", SYNC]).await.map(drop)
    }

    /// Has the server close every connection (`CONNECTION_FORCED`, with this reason).
    ///
    /// # Errors
    /// See above.
    pub async fn close_connections(&self, reason: &str) -> Result<(), ServerError> {
        self.ctl(&["close_all_connections", reason]).await.map(drop)
    }
}

impl Node {
    fn ctl(&self, arguments: &[String]) -> Result<String, ServerError> {
        let mut all = vec!["--quiet"];
        all.extend(arguments.iter().map(String::as_str));
        let output = self.spawn_ctl(&all)?.output()?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(stdout);
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(ServerError::Command {
            command: format!("rabbitmqctl {}", arguments.join(" ")),
            status: output.status,
            output: format!("{stderr}{stdout}").trim().to_owned(),
        })
    }
}
