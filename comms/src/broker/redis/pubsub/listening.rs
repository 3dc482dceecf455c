//! A connection that is subscribed to a channel, to a pattern of channels, or to a sharded channel of a cluster.

use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{Msg, PushInfo, PushKind, RedisError, RedisResult, Value};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::super::dialer::Dialer;
use crate::broker::{BrokerError, BrokerErrorKind};

/// It says what comes, and whether it is still there.
pub(super) enum Listening {
    Plain(PubSubSink, PubSubStream),
    Sharded { connection: MultiplexedConnection, told: UnboundedReceiver<PushInfo>, moved: bool },
}

impl Listening {
    pub(super) async fn to_channel(dialer: &Dialer, channel: &str, attempted: &str, patience: Duration) -> Result<Self, BrokerError> {
        let mut connection = dialer.dial_subscriber().await?;
        in_time(connection.subscribe(channel), dialer, attempted, patience).await?;
        let (sink, messages) = connection.split();
        Ok(Self::Plain(sink, messages))
    }

    pub(super) async fn to_pattern(dialer: &Dialer, pattern: &str, attempted: &str, patience: Duration) -> Result<Self, BrokerError> {
        let mut connection = dialer.dial_subscriber().await?;
        in_time(connection.psubscribe(pattern), dialer, attempted, patience).await?;
        let (sink, messages) = connection.split();
        Ok(Self::Plain(sink, messages))
    }

    pub(super) async fn to_shard(dialer: &Dialer, channel: &str, attempted: &str, patience: Duration) -> Result<Self, BrokerError> {
        let (mut connection, told) = dialer.dial_sharded().await?;
        let command = redis::cmd("SSUBSCRIBE").arg(channel).to_owned();
        let subscribing = async { connection.send_packed_command(&command).await.and_then(Value::extract_error).map(drop) };
        in_time(subscribing, dialer, attempted, patience).await?;
        Ok(Self::Sharded { connection, told, moved: false })
    }

    /// The next message; `None` when no further one comes.
    pub(super) async fn next(&mut self) -> Option<Msg> {
        let (told, moved) = match self {
            Self::Plain(_, messages) => return messages.next().await,
            Self::Sharded { told, moved, .. } => (told, moved),
        };
        loop {
            let push = told.recv().await?;
            match push.kind {
                PushKind::SMessage => return Msg::from_push_info(push),
                // Nobody asked for it: the slot of the channel went to another node.
                PushKind::SUnsubscribe => {
                    *moved = true;
                    return None;
                }
                PushKind::Disconnection => return None,
                _ => {}
            }
        }
    }

    /// Why no further one comes.
    pub(super) fn ended(&self) -> &'static str {
        match self {
            Self::Sharded { moved: true, .. } => "the channel went to another node of the cluster",
            _ => "the server closed it, or the network did",
        }
    }

    /// Whether the server answers, and still has the channel.
    pub(super) async fn ping(&mut self, dialer: &Dialer) -> RedisResult<()> {
        match self {
            Self::Plain(sink, _) => sink.ping::<Value>().await.map(drop),
            Self::Sharded { connection, .. } => dialer.ping(connection).await,
        }
    }
}

async fn in_time(
    subscribing: impl Future<Output = Result<(), RedisError>>,
    dialer: &Dialer,
    attempted: &str,
    patience: Duration,
) -> Result<(), BrokerError> {
    let silent = || BrokerError::new(BrokerErrorKind::Connection, format!("could not {attempted}: no answer within {patience:?}"));
    let subscribed = timeout(patience, subscribing).await.map_err(|_| silent())?;
    subscribed.map_err(|error| dialer.error(attempted, &error))
}
