//! What the suite has to know of a broker to put it to the test.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use comms::broker::{Broker, Capabilities};
use futures_util::future::BoxFuture;

/// What a case asks of the broker that it runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// Payloads above so many bytes are refused.
    pub max_message: Option<usize>,
    /// How long a publish without a deadline may wait.
    pub publish_timeout: Option<Duration>,
    /// How many messages a group may hold back before publishing waits, where the backend bounds that.
    pub capacity: Option<usize>,
    /// The case kills the server, so that it needs one of its own.
    pub kills: bool,
}

impl Setup {
    /// A broker that may be shared with other cases.
    #[must_use]
    pub fn shared() -> Self {
        Self::default()
    }

    /// A broker whose server the case may kill.
    #[must_use]
    pub fn killable() -> Self {
        Self { kills: true, ..Self::default() }
    }

    /// The options as a URL writes them, without the question mark.
    #[must_use]
    pub fn query(&self) -> String {
        let size = self.max_message.map(|limit| format!("max_message={limit}"));
        let timeout = self.publish_timeout.map(|timeout| format!("publish_timeout={}ms", timeout.as_millis()));
        size.into_iter().chain(timeout).collect::<Vec<_>>().join("&")
    }
}

/// A broker under test. Each value is a broker of its own, or a shared one on which the case keeps apart
/// by the names that it uses.
pub trait Backend: Send + Sync + 'static {
    /// Starts, or finds, a broker that meets the setup.
    fn start(setup: Setup) -> impl Future<Output = Self> + Send
    where
        Self: Sized;

    /// The URL that leads to it, as a service would have it in its configuration.
    fn url(&self) -> String;

    /// A new connection, as another instance of a service would have.
    fn connect(&self) -> BoxFuture<'_, Arc<dyn Broker>>;

    /// What the backend is documented to be able to do; a case checks that it says so itself.
    fn capabilities(&self) -> Capabilities;

    /// The server that can be killed; none when the broker lives and dies with this process.
    fn server(&self) -> Option<&dyn Server>;

    /// Whether the broker tells how many messages members hold, apart from what waits or among it. If not, lag is what no member has.
    fn tells_what_members_hold(&self) -> bool {
        true
    }

    /// How long to wait for what has to come.
    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// How long to listen before it counts as proved that nothing comes.
    fn silence(&self) -> Duration {
        Duration::from_millis(500)
    }

    /// A delay that a retry can ask for, and by how much later it may come back.
    fn delay(&self) -> (Duration, Duration) {
        (Duration::from_millis(300), Duration::from_secs(5))
    }
}

/// A server that runs beside this process.
pub trait Server: Send + Sync {
    /// Ends it as `kill -9` does.
    fn kill(&self) -> BoxFuture<'_, ()>;

    /// Starts it again on what it has kept.
    fn restart(&self) -> BoxFuture<'_, ()>;

    /// The end of what it logged, to be shown when a case fails.
    fn log(&self) -> String;
}
