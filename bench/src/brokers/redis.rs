//! redis-rs alone, as somebody writes it who knows it.

use std::collections::BTreeMap;

use comms::message::{Id, Metadata, cloudevents};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamId, StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig, Client, Pipeline, RedisResult};
use tokio::task::JoinHandle;

use super::{Arrivals, CONCURRENCY, GROUP, Headers, Party, Shipped, WINDOW, attributes};

/// How many messages go in one write; several writes are under way at once.
const BATCH: usize = 64;

/// redis-rs without `comms`.
pub struct RawRedis {
    client: Client,
    headers: Headers,
    stream: String,
    connection: MultiplexedConnection,
    event: Shipped,
    arrivals: Arrivals,
    consuming: Option<JoinHandle<()>>,
}

impl RawRedis {
    /// Makes its stream and its group.
    pub async fn join(url: String, name: String, headers: Headers, bytes: usize) -> Self {
        let client = Client::open(url).expect("a URL");
        let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
        let stream = format!("raw:{name}");
        let _: () = connection.xgroup_create_mkstream(&stream, GROUP, "$").await.expect("a group");
        Self { client, headers, stream, connection, event: Shipped::of(bytes), arrivals: Arrivals::default(), consuming: None }
    }

    fn batch(&self, messages: usize) -> Pipeline {
        let mut batch = Pipeline::with_capacity(messages);
        for _ in 0..messages {
            let payload = serde_json::to_vec(&self.event).expect("JSON");
            let command = batch.cmd("XADD").arg(&self.stream).arg("*");
            if self.headers == Headers::CloudEvents {
                let mut object = BTreeMap::new();
                cloudevents::write(&attributes(), |name, value| drop(object.insert(name.to_owned(), value.into_owned())));
                command.arg("ce").arg(serde_json::to_vec(&object).expect("JSON"));
            }
            command.arg("data").arg(payload);
        }
        batch
    }
}

async fn consume(mut connection: MultiplexedConnection, stream: String, headers: Headers, arrivals: Arrivals) {
    let options = StreamReadOptions::default().group(GROUP, "raw").count(2 * CONCURRENCY).block(2000);
    loop {
        let read: RedisResult<Option<StreamReadReply>> = connection.xread_options(&[&stream], &[">"], &options).await;
        for key in read.expect("read").into_iter().flat_map(|reply| reply.keys) {
            let mut done = Vec::with_capacity(key.ids.len());
            for entry in key.ids {
                if headers == Headers::CloudEvents {
                    std::hint::black_box(metadata(&entry));
                }
                let payload: Vec<u8> = entry.get("data").expect("a payload");
                arrivals.add(&serde_json::from_slice(&payload).expect("JSON"));
                done.push(entry.id);
            }
            let _: usize = connection.xack(&stream, GROUP, &done).await.expect("acknowledged");
        }
    }
}

fn metadata(entry: &StreamId) -> Metadata {
    let mut metadata = Metadata::foreign(Id::new());
    let object: Vec<u8> = entry.get("ce").expect("attributes");
    let object: BTreeMap<&str, &str> = serde_json::from_slice(&object).expect("an object");
    object.into_iter().for_each(|(name, value)| cloudevents::read(&mut metadata, name, value));
    metadata
}

impl Party for RawRedis {
    fn publish(&self, messages: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let sizes = (0..messages.div_ceil(BATCH)).map(|number| BATCH.min(messages - number * BATCH));
            let writes = stream::iter(sizes).map(|size| {
                let (batch, mut connection) = (self.batch(size), self.connection.clone());
                async move {
                    let ids: Vec<String> = batch.query_async(&mut connection).await.expect("added");
                    assert_eq!(ids.len(), size);
                }
            });
            writes.buffered(WINDOW / BATCH).for_each(|()| async {}).await;
        })
    }

    fn attach(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // A read may block for long.
            let patient = AsyncConnectionConfig::new().set_response_timeout(None);
            let connection = self.client.get_multiplexed_async_connection_with_config(&patient).await.expect("a connection");
            self.consuming = Some(tokio::spawn(consume(connection, self.stream.clone(), self.headers, self.arrivals.clone())));
        })
    }

    fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    fn leave(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Some(consuming) = &self.consuming {
                consuming.abort();
            }
            let _: () = self.connection.clone().del(&self.stream).await.expect("deleted");
        })
    }
}

impl std::fmt::Debug for RawRedis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RawRedis").field(&self.stream).finish()
    }
}
