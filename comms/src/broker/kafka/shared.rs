//! What the parts of one broker have in common.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use rdkafka::admin::AdminClient;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseRecord, Producer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::client::{self, Asking, Lookup};
use super::config::KafkaConfig;
use super::connect::{Sender, await_answer, new_producer, refused, warn_of_open_secrets};
use super::error::undelivered;
use super::headers::{with_links, without_links};
use super::health::Health;
use super::member::Member;
use super::outside::Outsiders;
use super::patience::no_room;
use super::post::{Answer, Post};
use super::topics::Topics;
use super::trail::Destination;
use crate::broker::{BrokerError, Confirm};

/// How long closing waits for confirmations, and for members to leave their groups.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A message for the producer.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) topic: Arc<str>,
    pub(super) destination: Destination,
    pub(super) key: Option<Vec<u8>>,
    pub(super) headers: OwnedHeaders,
    pub(super) payload: Option<Bytes>,
}

/// What the producer had no place for.
pub(super) type Refused = (Outgoing, Answer, OwnedSemaphorePermit);

pub(super) struct Shared {
    pub(super) config: Arc<KafkaConfig>,
    pub(super) service: String,
    pub(super) health: Arc<Health>,
    pub(super) topics: Topics,
    pub(super) post: Arc<Post>,
    producer: RwLock<Option<Arc<Sender>>>,
    pub(super) room: Arc<Semaphore>,
    members: Mutex<Vec<Weak<Member>>>,
    pub(super) outsiders: Outsiders,
    closed: AtomicBool,
}

impl Shared {
    pub(super) async fn connect(config: Arc<KafkaConfig>, service: &str) -> Result<Self, BrokerError> {
        warn_of_open_secrets(&config);
        let health = Arc::new(Health::default());
        let (post, asking) = (Arc::new(Post::new(Arc::clone(&health))), Asking(Arc::clone(&health)));
        let base = client::base(&config, service);
        let mut asks = base.clone();
        asks.set("allow.auto.create.topics", "false");
        let lookup: Lookup = asks.create_with_context(asking.clone()).map_err(|error| refused(&error))?;
        let admin = AdminClient::from_config_and_context(&base, asking).map_err(|error| refused(&error))?;
        let lookup = Arc::new(lookup);
        await_answer(&config, &lookup, &health).await?;
        let producer = new_producer(&config, service, &post)?;
        tokio::spawn(Post::watch(Arc::downgrade(&post), Arc::downgrade(&lookup)));
        Ok(Self {
            service: service.to_owned(),
            health,
            topics: Topics::new(Arc::clone(&config), lookup, admin),
            post,
            producer: RwLock::new(Some(Arc::new(producer))),
            room: Arc::new(Semaphore::new(config.window)),
            members: Mutex::default(),
            outsiders: Outsiders::default(),
            closed: AtomicBool::new(false),
            config,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// What Kafka calls a topic, and its partitions, if that was looked up before.
    pub(super) fn known(&self, topic: &str) -> Option<(Arc<str>, usize)> {
        match self.config.prefix.is_empty() {
            true => self.topics.known(topic),
            false => self.topics.known(&self.config.topic(topic)),
        }
    }

    pub(super) fn add_member(&self, member: &Arc<Member>) {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| member.strong_count() > 0);
        members.push(Arc::downgrade(member));
    }

    /// Hands a message to the producer, which keeps it until it is confirmed, or gives it back when it has no place for it.
    pub(super) fn post(
        &self,
        mut outgoing: Outgoing,
        deadline: Instant,
        answer: Answer,
        room: OwnedSemaphorePermit,
    ) -> Result<(), Box<Refused>> {
        let Some(producer) = self.producer() else {
            let _ = answer.send(Err(BrokerError::closed("publish")));
            return Ok(());
        };
        // One after the other: what is said of the order is what happens.
        let mut books = self.post.lock();
        let (parcel, leg) = books.enter(&outgoing.topic, outgoing.destination, deadline, answer, room);
        let plain = std::mem::take(&mut outgoing.headers);
        let mut record = BaseRecord::<[u8], [u8], _>::with_opaque_to(&outgoing.topic, parcel);
        record = record.headers(with_links(plain, &leg.links));
        record.partition = leg.partition;
        record.key = outgoing.key.as_deref();
        record.payload = outgoing.payload.as_deref();
        let Err((error, record)) = producer.send(record) else {
            let is_missed = books.is_missed(deadline);
            drop(books);
            if is_missed {
                self.post.look();
            }
            return Ok(());
        };
        let (headers, parcel) = (record.headers, record.delivery_opaque);
        let (answer, room) = books.withdraw(*parcel);
        drop(books);
        // What it has to wait for is found anew when it goes.
        outgoing.headers = headers.unwrap_or_default();
        if !leg.links.is_empty() {
            outgoing.headers = without_links(&outgoing.headers);
        }
        let Some(answer) = answer else { return Ok(()) };
        match error {
            KafkaError::MessageProduction(Code::QueueFull) => Err(Box::new((outgoing, answer, room))),
            error => {
                if error.rdkafka_error_code() == Some(Code::UnknownTopic) {
                    self.topics.forget(&outgoing.topic);
                }
                let _ = answer.send(Err(undelivered(&outgoing.topic, &error)));
                Ok(())
            }
        }
    }

    /// The same, waiting until the producer has a place.
    pub(super) async fn post_patiently(&self, outgoing: Outgoing, deadline: Instant, answer: Answer, room: OwnedSemaphorePermit) {
        let mut attempt = self.post(outgoing, deadline, answer, room);
        while let Err(back) = attempt {
            let (outgoing, answer, room) = *back;
            if Instant::now() >= deadline {
                let _ = answer.send(Err(no_room()));
                return;
            }
            sleep(Duration::from_millis(5)).await;
            attempt = self.post(outgoing, deadline, answer, room);
        }
    }

    /// Sends a copy and waits until it is safe.
    pub(super) async fn send(&self, outgoing: Outgoing) -> Result<(), BrokerError> {
        let deadline = Instant::now() + self.config.publish_timeout;
        let room = self.room(deadline).await?;
        let (answer, answered) = oneshot::channel();
        self.post_patiently(outgoing, deadline, answer, room).await;
        Confirm::waiting(answered).await.map(drop)
    }

    /// A place among the messages that are on their way.
    pub(super) async fn room(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, BrokerError> {
        match timeout_at(deadline, Arc::clone(&self.room).acquire_owned()).await {
            Ok(Ok(room)) => Ok(room),
            Ok(Err(_)) => Err(BrokerError::closed("publish")),
            Err(_) => Err(no_room()),
        }
    }

    /// The producer; a new one when librdkafka says that the old one can't go on.
    fn producer(&self) -> Option<Arc<Sender>> {
        if self.post.take_broken() && !self.is_closed() {
            tracing::warn!("the Kafka producer can't go on, and is replaced");
            if let Ok(fresh) = new_producer(&self.config, &self.service, &self.post) {
                let old = self.producer.write().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(fresh));
                std::thread::spawn(move || drop(old));
            }
        }
        self.producer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.outsiders.end();
        let members = self.take_members();
        members.iter().for_each(|member| member.stop());
        let left = async {
            for member in &members {
                member.gone().await;
            }
        };
        if timeout(LAST_WORDS, left).await.is_err() {
            tracing::warn!("a member did not leave its Kafka group within {LAST_WORDS:?}; it is left behind");
        }
        self.room.close();
        let producer = self.producer.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(producer) = producer {
            let flushed = tokio::task::spawn_blocking(move || {
                let _ = producer.flush(LAST_WORDS);
                std::thread::spawn(move || drop(producer));
            });
            let _ = timeout(LAST_WORDS + Duration::from_secs(1), flushed).await;
        }
        self.post.give_up();
    }

    fn take_members(&self) -> Vec<Arc<Member>> {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.drain(..).filter_map(|member| member.upgrade()).collect()
    }

    /// For when nobody waits: everything ends by itself.
    pub(super) fn abandon(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.outsiders.end();
        self.take_members().iter().for_each(|member| member.stop());
        self.room.close();
        // Ending a client takes its time.
        let producer = self.producer.write().unwrap_or_else(PoisonError::into_inner).take();
        std::thread::spawn(move || drop(producer));
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shared").field(&self.config).finish()
    }
}
