//! Exchanges that are not ours: looked at first, and made only where they are missing.

use lapin::options::ExchangeDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ExchangeKind};

use super::RabbitMqConfig;
use super::error::{broker_error, code_of};
use super::route::Route;
use super::shared::create_channel;
use super::topology::{declare_exchange, short};
use crate::broker::{BrokerError, BrokerErrorKind};

/// The reply code for an exchange of a kind that the server does not know; it closes the connection with it.
const COMMAND_INVALID: u16 = 503;

/// Sees to it that the exchanges of all routes are there.
pub(super) async fn ensure_all(config: &RabbitMqConfig, connection: &Connection) -> Result<(), BrokerError> {
    for (at, route) in config.routes.iter().enumerate() {
        if !config.routes[..at].iter().any(|other| other.exchange == route.exchange) {
            ensure(connection, route).await?;
        }
    }
    Ok(())
}

/// Sees to it that the exchange is there, and of the kind that the route says.
///
/// Who looks needs no permission, so one that exists may belong to somebody else altogether: whether it is durable and what its arguments
/// are is no matter.
pub(super) async fn ensure(connection: &Connection, route: &Route) -> Result<(), BrokerError> {
    let attempted = format!("use the exchange `{}` of the option `route` for the topic `{}`", route.exchange, route.topic);
    let channel = create_channel(connection, &attempted).await?;
    let kind = route.kind.amqp();
    match passive(&channel, &route.exchange, &kind).await {
        Ok(()) => match declare_exchange(&channel, &route.exchange, kind.clone(), FieldTable::default()).await {
            Err(error) if is_of_another_kind(&error) => return Err(other_kind(&attempted, &kind, error)),
            // It has other arguments, or it is not ours to declare: it is used as it is.
            Err(error) if matches!(error.kind(), BrokerErrorKind::Topology | BrokerErrorKind::Authentication) => return Ok(()),
            Err(error) => return Err(error),
            Ok(()) => {}
        },
        Err(error) if code_of(&error) == Some(404) => {
            let channel = create_channel(connection, &attempted).await?;
            make(&channel, route, &kind, &attempted).await?;
            let _ = channel.close(200, "done".into()).await;
            return Ok(());
        }
        Err(error) => return Err(broker_error(&attempted, &error)),
    }
    let _ = channel.close(200, "done".into()).await;
    Ok(())
}

async fn make(channel: &Channel, route: &Route, kind: &ExchangeKind, attempted: &str) -> Result<(), BrokerError> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let made = channel.exchange_declare(short(&route.exchange)?, kind.clone(), options, FieldTable::default()).await;
    made.map_err(|error| match code_of(&error) {
        Some(COMMAND_INVALID) => {
            let message = format!(
                "could not {attempted}: the server knows no exchanges of the kind {kind:?}. Enable the plugin there (rabbitmq-plugins enable rabbitmq_consistent_hash_exchange), or use another kind"
            );
            BrokerError::new(BrokerErrorKind::Topology, message).with_source(error)
        }
        _ => broker_error(&format!("make the exchange `{}` for the topic `{}`", route.exchange, route.topic), &error),
    })
}

async fn passive(channel: &Channel, name: &str, kind: &ExchangeKind) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(short(name).unwrap_or_default(), kind.clone(), options, FieldTable::default()).await
}

/// The server compares the kind before everything else, and says which argument it is.
fn is_of_another_kind(error: &BrokerError) -> bool {
    error.kind() == BrokerErrorKind::Topology && error.to_string().contains("inequivalent arg 'type'")
}

fn other_kind(attempted: &str, kind: &ExchangeKind, error: BrokerError) -> BrokerError {
    let message = format!("could not {attempted}: it exists, and is not of the kind {kind:?}. Name its kind in the route ({error})");
    BrokerError::new(BrokerErrorKind::Topology, message)
}
