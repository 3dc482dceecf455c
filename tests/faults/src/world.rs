//! A broker of the test's own, and applications on it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use comms::broker::memory::Memory;
use comms::broker::{Broker, ConnectionState, DeadLetter, DeadLetterFilter, Order, Subscription};
use comms::config::Config;
use comms::handler::SubscriptionDecl;
use comms::message::{Envelope, Metadata};
use comms::testing::proxy::Proxy;
use comms::testing::servers::{Kafka, RabbitMq, Redis};
use comms::{App, AppBuilder, Message, Publisher, Service, Stopped};
use tokio::sync::OnceCell;

use crate::PATIENCE;
use crate::parts::{Job, Script, Scripted, scripted};
use crate::record::{Record, Seen};

/// Rungs that tests can wait for.
pub const LADDER: &str = "ladder=100ms,300ms,1s";

/// Leases that tests can wait for.
pub const LEASE: &str = "lease=4s&heartbeat=500ms";

/// A broker, or a part of one that nobody else uses.
#[derive(Debug)]
pub struct World(Kind);

#[derive(Debug)]
enum Kind {
    Memory(Memory),
    RabbitMq { url: String },
    Kafka { url: String },
    Redis { url: String },
}

impl World {
    /// On a memory broker.
    #[must_use]
    pub fn memory() -> Self {
        Self(Kind::Memory(Memory::new()))
    }

    /// On a virtual host of its own, of the server that all tests of the process share.
    pub async fn rabbitmq() -> Self {
        let server = RabbitMq::shared().await;
        Self::at(&server.url_for(&vhost(server).await))
    }

    /// With names of its own, on the Kafka broker that all tests of the process share.
    pub async fn kafka() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("t{}-{}.", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self::kafka_at(&Kafka::shared().await.url(), &format!("prefix={prefix}"))
    }

    /// On the Kafka brokers of this URL, with further options.
    #[must_use]
    pub fn kafka_at(url: &str, options: &str) -> Self {
        let timeouts = "connect_timeout=60s&publish_timeout=60s&heartbeat=100ms&refresh=200ms&session_timeout=6s";
        Self(Kind::Kafka { url: format!("{url}?{LADDER}&{timeouts}&{options}") })
    }

    /// On a database of its own, of the server that all tests of the process share.
    pub async fn redis() -> Self {
        let server = Redis::shared().await;
        Self::at(&server.url_for(database()))
    }

    /// On the server of this URL.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self::with(url, "")
    }

    /// On the server of this URL, with further options.
    #[must_use]
    pub fn with(url: &str, options: &str) -> Self {
        const PATIENT: &str = "connect_timeout=60s&publish_timeout=60s";
        Self(match url.starts_with("redis") {
            true => Kind::Redis { url: format!("{url}?{LEASE}&durable=true&{PATIENT}&{options}") },
            false => Kind::RabbitMq { url: format!("{url}?{LADDER}&{PATIENT}&{options}") },
        })
    }

    /// On the Redis Cluster of this URL, which has options already.
    #[must_use]
    pub fn redis_cluster(url: &str) -> Self {
        Self(Kind::Redis { url: format!("{url}&{LEASE}&connect_timeout=60s&publish_timeout=60s") })
    }

    /// As [`rabbitmq`](Self::rabbitmq), through a proxy that can break, with further options.
    pub async fn rabbitmq_through_a_proxy(options: &str) -> (Self, Proxy) {
        let server = RabbitMq::shared().await;
        Self::through_a_proxy(server.address(), &server.url_for(&vhost(server).await), options).await
    }

    /// As [`redis`](Self::redis), through a proxy that can break, with further options.
    pub async fn redis_through_a_proxy(options: &str) -> (Self, Proxy) {
        let server = Redis::shared().await;
        Self::through_a_proxy(server.address(), &server.url_for(database()), options).await
    }

    async fn through_a_proxy(server: SocketAddr, url: &str, options: &str) -> (Self, Proxy) {
        let proxy = Proxy::start(server).await.unwrap_or_else(|error| panic!("{error}"));
        let url = url.replace(&server.to_string(), &proxy.addr().to_string());
        (Self::with(&url, options), proxy)
    }

    /// The URL, to hand it to another process.
    #[must_use]
    pub fn url(&self) -> &str {
        match &self.0 {
            Kind::Memory(_) => "memory:",
            Kind::RabbitMq { url } | Kind::Kafka { url } | Kind::Redis { url } => url,
        }
    }

    /// Starts the application on this broker.
    pub async fn start(&self, app: AppBuilder) -> Member {
        let record = Record::default();
        let app = app.observer(Arc::new(record.clone()));
        let app = match &self.0 {
            Kind::Memory(memory) => app.broker("default", Arc::new(memory.connect())),
            Kind::RabbitMq { url } | Kind::Kafka { url } | Kind::Redis { url } => app.config(configured(url)),
        };
        Member { app: app.start().await.unwrap_or_else(|error| panic!("the application did not start: {error}")), record }
    }

    /// Starts the service with what its handler does.
    pub async fn run<S: Scripted>(&self, script: Script) -> Member {
        self.start(scripted::<S>(script)).await
    }

    /// An application without handlers, to publish from.
    pub async fn stranger(&self) -> Member {
        self.start(AppBuilder::new("stranger")).await
    }

    /// How many messages members hold unsettled, as the broker sees it.
    ///
    /// # Panics
    /// On Kafka, whose brokers know of one offset only.
    pub async fn held(&self) -> usize {
        match &self.0 {
            Kind::Memory(memory) => memory.in_flight().unsettled,
            Kind::Kafka { .. } => panic!("Kafka does not know what its members hold"),
            Kind::RabbitMq { url } => {
                let vhost = url.rsplit_once('/').and_then(|(_, rest)| rest.split_once('?')).map_or("/", |(vhost, _)| vhost);
                let queues = RabbitMq::shared().await.queues_in(vhost).await.unwrap_or_else(|error| panic!("{error}"));
                queues.iter().map(|queue| usize::try_from(queue.unacknowledged).unwrap_or(usize::MAX)).sum()
            }
            Kind::Redis { url } => pending(url).await,
        }
    }
}

/// How many entries are fetched and not acknowledged in the database of the URL, over all streams and groups.
async fn pending(url: &str) -> usize {
    const SUM: &str = "local sum = 0; for _, key in ipairs(redis.call('KEYS', '*')) do if redis.call('TYPE', key).ok == 'stream' then \
        for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do sum = sum + group[6] end end end; return sum";
    let database = url.split_once('?').and_then(|(url, _)| url.rsplit_once('/')).map_or("0", |(_, database)| database);
    let sum = Redis::shared().await.cli(&["-n", database, "EVAL", SUM, "0"]).await.unwrap_or_else(|error| panic!("{error}"));
    sum.trim().parse().unwrap_or_else(|error| panic!("{sum}: {error}"))
}

/// A database of the shared Redis server that no other test of the process uses.
#[must_use]
pub fn database() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The configuration of an application whose broker is at the URL.
#[must_use]
pub fn configured(url: &str) -> Config {
    Config::from_toml(&format!("[brokers.default]\nurl = \"{url}\"")).unwrap_or_else(|error| panic!("{error}"))
}

/// A fresh virtual host of the server that all tests share. They are made in one go: each call of `rabbitmqctl`
/// starts an Erlang machine.
pub async fn vhost(server: &RabbitMq) -> String {
    const HOSTS: u32 = 40;
    static MADE: OnceCell<()> = OnceCell::const_new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let make = || async {
        let script = format!(
            r#"[begin V = list_to_binary("test-" ++ integer_to_list(N)),
                rabbit_vhost:add(V, <<"test">>),
                rabbit_auth_backend_internal:set_permissions(<<"guest">>, V, <<".*">>, <<".*">>, <<".*">>, <<"test">>)
            end || N <- lists:seq(0, {HOSTS} - 1)]."#
        );
        server.ctl(&["eval", &script]).await.map(drop)
    };
    MADE.get_or_try_init(make).await.unwrap_or_else(|error| panic!("could not make virtual hosts: {error}"));
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!(next < HOSTS, "raise HOSTS: there are more cases than virtual hosts");
    format!("test-{next}")
}

/// A running application and what happened in it.
#[derive(Debug)]
pub struct Member {
    /// The application.
    pub app: App,
    /// What happened.
    pub record: Record,
}

impl Member {
    /// Publishes a job and waits for its confirmation.
    pub async fn publish(&self, key: &str, number: u32) {
        self.publisher().publish(&Job::new(key, number)).await.unwrap_or_else(|error| panic!("{key}{number}: {error:?}"));
    }

    /// Publishes the jobs in this order.
    pub async fn publish_all(&self, jobs: &[Job]) {
        self.publisher().publish_all(jobs).await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// A publisher of events.
    #[must_use]
    pub fn publisher<E: comms::Event>(&self) -> Publisher<E> {
        self.app.inject().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Publishes what no publisher of ours would.
    pub async fn publish_envelope(&self, envelope: Envelope) {
        self.broker().publish(Arc::new(envelope)).await.await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// The broker.
    #[must_use]
    pub fn broker(&self) -> &Arc<dyn Broker> {
        self.app.brokers().get("default").unwrap_or_else(|| panic!("the world has a broker"))
    }

    /// Waits until the loss of the connection was noticed.
    pub async fn until_noticed(&self) {
        self.until_it_is("lost", |state| matches!(state, ConnectionState::Reconnecting { .. })).await;
    }

    /// Waits until the connection is there again.
    pub async fn until_connected(&self) {
        self.until_it_is("there", |state| *state == ConnectionState::Connected).await;
    }

    async fn until_it_is(&self, what: &str, reached: impl Fn(&ConnectionState) -> bool) {
        let waiting = async {
            while !reached(&self.broker().state()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, waiting).await;
        reached.unwrap_or_else(|_| panic!("the connection was never told to be {what}: {:?}", self.broker().state()));
    }

    /// The dead letters of the service.
    pub async fn dead_letters<S: Service>(&self) -> Vec<DeadLetter> {
        let subscription = subscription::<S>();
        let letters = self.broker().admin().dead_letters(&subscription, &DeadLetterFilter::default()).await;
        letters.unwrap_or_else(|error| panic!("the dead letters could not be read: {error:?}"))
    }

    /// Replays all dead letters of the service.
    pub async fn replay<S: Service>(&self) -> usize {
        let subscription = subscription::<S>();
        let replayed = self.broker().admin().replay(&subscription, &DeadLetterFilter::default()).await;
        replayed.unwrap_or_else(|error| panic!("the dead letters could not be replayed: {error:?}"))
    }

    /// What happened, a line each.
    #[must_use]
    pub fn lines(&self) -> &Seen {
        &self.record.lines
    }

    /// Stops it as production does.
    pub async fn stop(self) -> Stopped {
        let stopping = tokio::time::timeout(PATIENCE, self.app.shutdown());
        stopping.await.unwrap_or_else(|_| panic!("the application did not stop. What happened:\n{:?}", self.record.lines))
    }
}

/// The first subscription that the service declares, as the broker knows it.
#[must_use]
pub fn subscription<S: Service>() -> Subscription {
    let decl: &SubscriptionDecl = S::DECL.subscriptions.first().unwrap_or_else(|| panic!("`{}` subscribes to nothing", S::DECL.name));
    let topic = decl.topic.parse().unwrap_or_else(|error| panic!("{error}"));
    let mut subscription = Subscription::new(topic, decl.group.unwrap_or(S::DECL.name));
    subscription.order = decl.ordered.and_then(|shards| shards.try_into().ok()).map(|shards| Order { shards });
    subscription
}

/// A job as a stranger would publish it, with something changed.
#[must_use]
pub fn envelope(change: impl FnOnce(&mut Metadata), payload: &'static [u8]) -> Envelope {
    let mut metadata = Metadata::new(Job::TYPE.name, "stranger".into());
    metadata.version = Job::TYPE.version;
    metadata.content_type = Some("application/json".into());
    change(&mut metadata);
    Envelope::new(Job::TYPE.topic.into(), metadata, payload.into())
}
