//! Topics that are on an exchange of somebody else's, and how messages get there and back.
//!
//! Docs: `docs/brokers.md`, "Exchanges of others".

use std::fmt;
use std::str::FromStr;

use lapin::ExchangeKind;
use lapin::types::{AMQPValue, FieldTable, ShortString};

use super::config::config_error;
use crate::broker::{BrokerError, validate_topic};
use crate::message::Metadata;

/// Of what kind an exchange is, with what bindings and messages say there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteKind {
    /// Queues are bound with the routing key.
    Direct {
        /// The routing key.
        key: String,
    },
    /// Queues are bound with a pattern.
    Topic {
        /// The pattern; a routing key too where it has neither `*` nor `#`. Nothing can be published otherwise.
        pattern: String,
    },
    /// Every queue gets every message.
    Fanout,
    /// Queues are bound with headers that a message must have, all of them.
    Headers {
        /// Their names and values, as text.
        headers: Vec<(String, String)>,
    },
    /// The queues share the messages by a hash of the routing key, which is the message's key, or its id if it has none. Needs the plugin
    /// `rabbitmq_consistent_hash_exchange`.
    ConsistentHash {
        /// The queue's part, from 1: one with 2 gets twice as much as one with 1.
        weight: u16,
    },
}

/// A topic that is not on the exchange of the option `exchange`: `route=TOPIC:KIND:EXCHANGE:KEY`.
///
/// What a subscription to the topic gets comes from that exchange, and what is published to the topic goes there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The topic in the words of the services.
    pub topic: String,
    /// The exchange. It is made, durable, where it does not exist.
    pub exchange: String,
    /// Its kind.
    pub kind: RouteKind,
}

/// How a message leaves.
pub(super) struct Address {
    pub(super) key: ShortString,
    /// To be added to the message's headers.
    pub(super) headers: FieldTable,
}

const FORM: &str = "TOPIC:KIND:EXCHANGE:KEY, for example route=orders:direct:erp:order-created, where KIND is `direct`, `topic`, `fanout` (without :KEY), `headers` (KEY is name=value,..) or `consistent-hash` (KEY is the weight)";

impl FromStr for Route {
    type Err = BrokerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &str| config_error(format!("`{text}` is no value of `route` in the RabbitMQ URL: {why}. Expected {FORM}"));
        let mut parts = text.splitn(4, ':');
        let (Some(topic), Some(kind), Some(exchange)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("it has too few parts"));
        };
        let key = parts.next().unwrap_or_default();
        validate_topic(topic).map_err(|error| wrong(&error.to_string()))?;
        if exchange.is_empty() || exchange.len() > 255 || key.len() > 255 {
            return Err(wrong("exchange and key may have 255 bytes each, and the exchange a name"));
        }
        let kind = RouteKind::parse(kind, key).map_err(wrong)?;
        Ok(Self { topic: topic.to_owned(), exchange: exchange.to_owned(), kind })
    }
}

impl RouteKind {
    fn parse(kind: &str, key: &str) -> Result<Self, &'static str> {
        match kind {
            "direct" => Ok(Self::Direct { key: key.to_owned() }),
            "topic" if key.is_empty() => Err("an exchange of the kind `topic` needs a pattern"),
            "topic" => Ok(Self::Topic { pattern: key.to_owned() }),
            "fanout" if !key.is_empty() => Err("an exchange of the kind `fanout` looks at no key: leave it out"),
            "fanout" => Ok(Self::Fanout),
            "headers" => Ok(Self::Headers { headers: pairs(key).ok_or("the headers must be name=value,..")? }),
            "consistent-hash" if key.is_empty() => Ok(Self::ConsistentHash { weight: 1 }),
            "consistent-hash" => {
                let weight = key.parse().ok().filter(|&weight: &u16| weight > 0);
                Ok(Self::ConsistentHash { weight: weight.ok_or("the weight must be a whole number from 1 to 65535")? })
            }
            _ => Err("there is no such kind of exchange"),
        }
    }

    /// As AMQP names it.
    pub(super) fn amqp(&self) -> ExchangeKind {
        match self {
            Self::Direct { .. } => ExchangeKind::Direct,
            Self::Topic { .. } => ExchangeKind::Topic,
            Self::Fanout => ExchangeKind::Fanout,
            Self::Headers { .. } => ExchangeKind::Headers,
            Self::ConsistentHash { .. } => ExchangeKind::Custom("x-consistent-hash".to_owned()),
        }
    }

    /// What a queue is bound with: routing key and arguments.
    pub(super) fn binding(&self) -> (String, FieldTable) {
        match self {
            Self::Direct { key } | Self::Topic { pattern: key } => (key.clone(), FieldTable::default()),
            Self::Fanout => (String::new(), FieldTable::default()),
            Self::ConsistentHash { weight } => (weight.to_string(), FieldTable::default()),
            Self::Headers { headers } => {
                let mut arguments = table(headers);
                arguments.insert("x-match".into(), AMQPValue::LongString("all".into()));
                (String::new(), arguments)
            }
        }
    }
}

impl Route {
    /// How a message gets there.
    ///
    /// # Errors
    /// `Config` where the route says only what to read.
    pub(super) fn address(&self, metadata: &Metadata) -> Result<Address, BrokerError> {
        let mut headers = FieldTable::default();
        let key = match &self.kind {
            RouteKind::Direct { key } => key.clone(),
            RouteKind::Topic { pattern } if pattern.contains(['*', '#']) => {
                return Err(config_error(format!(
                    "could not publish to the topic `{}`: the option `route` reads it from all routing keys `{pattern}` of the exchange `{}`, and doesn't say under which one to publish. Name one in a route without `*` and `#`",
                    self.topic, self.exchange
                )));
            }
            RouteKind::Topic { pattern } => pattern.clone(),
            RouteKind::Fanout => String::new(),
            RouteKind::Headers { headers: pairs } => {
                headers = table(pairs);
                String::new()
            }
            RouteKind::ConsistentHash { .. } => {
                let id = || metadata.id.to_string();
                metadata.key.as_deref().filter(|key| key.len() <= 255).map_or_else(id, str::to_owned)
            }
        };
        Ok(Address { key: ShortString::try_new(key).unwrap_or_default(), headers })
    }
}

fn table(pairs: &[(String, String)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in pairs {
        table.insert(ShortString::try_new(name.as_str()).unwrap_or_default(), AMQPValue::LongString(value.as_str().into()));
    }
    table
}

/// `name=value,..`, at least one. What begins with `x-` is the server's own.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pair = |text: &str| {
        let (name, value) = text.split_once('=')?;
        (!name.is_empty() && !name.starts_with("x-")).then(|| (name.to_owned(), value.to_owned()))
    };
    text.split(',').map(pair).collect()
}

/// # Errors
/// `Config` when two routes say different things of one topic or exchange, or one is about our own exchange.
pub(super) fn check(routes: &[Route], own: &str) -> Result<(), BrokerError> {
    for (at, route) in routes.iter().enumerate() {
        if route.exchange == own {
            return Err(config_error(format!(
                "the option `route` has the topic `{}` on the exchange `{own}`, where it is anyway: leave it out",
                route.topic
            )));
        }
        for other in &routes[..at] {
            if other.topic == route.topic {
                return Err(config_error(format!("the option `route` says twice where the topic `{}` is: keep one", route.topic)));
            }
            if other.exchange == route.exchange && other.kind.amqp() != route.kind.amqp() {
                let (one, two) = (other.kind.amqp(), route.kind.amqp());
                return Err(config_error(format!(
                    "the options `route` say that the exchange `{}` is of the kind {one:?} and of the kind {two:?}: it has one",
                    route.exchange
                )));
            }
        }
    }
    Ok(())
}

impl fmt::Display for Route {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} on {:?} exchange {}", self.topic, self.kind.amqp(), self.exchange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Id;

    fn route(text: &str) -> Route {
        text.parse().unwrap()
    }

    fn address(text: &str, key: Option<&str>) -> Result<(String, usize), BrokerError> {
        let mut metadata = Metadata::foreign(Id::parse("the-id"));
        metadata.key = key.map(Into::into);
        route(text).address(&metadata).map(|address| (address.key.to_string(), address.headers.inner().len()))
    }

    #[test]
    fn each_kind_says_how_to_bind_and_how_to_publish() {
        let cases = [
            ("a.b:direct:erp:created", "created", 0, "created", 0),
            ("a.b:direct:erp", "", 0, "", 0),
            ("a.b:topic:erp:x.created", "x.created", 0, "x.created", 0),
            ("a.b:fanout:erp", "", 0, "", 0),
            ("a.b:headers:erp:kind=order,land=de", "", 3, "", 2),
            ("a.b:consistent-hash:erp", "1", 0, "k", 0),
            ("a.b:consistent-hash:erp:20", "20", 0, "k", 0),
        ];
        for (text, bound, arguments, key, headers) in cases {
            let (binding, table) = route(text).kind.binding();
            assert_eq!((binding.as_str(), table.inner().len()), (bound, arguments), "{text}");
            assert_eq!(address(text, Some("k")).unwrap(), (key.to_owned(), headers), "{text}");
        }
        assert_eq!(address("a:consistent-hash:erp", None).unwrap().0, "the-id");
        assert_eq!(route("a:direct:erp:with:colons").kind, RouteKind::Direct { key: "with:colons".to_owned() });
    }

    #[test]
    fn nothing_can_be_published_to_a_pattern() {
        let error = address("a:topic:erp:*.created", None).unwrap_err();
        assert!(error.to_string().contains("`*.created`") && error.to_string().contains("exchange `erp`"), "{error}");
    }

    #[test]
    fn what_is_no_route_is_refused_with_the_form() {
        for text in [
            "a",
            "a:direct",
            "A:direct:erp:k",
            "a.*:direct:erp:k",
            "a:direct::k",
            "a:topic:erp",
            "a:fanout:erp:k",
            "a:headers:erp",
            "a:headers:erp:x-match=any",
            "a:consistent-hash:erp:0",
            "a:delayed:erp",
        ] {
            let error = text.parse::<Route>().unwrap_err();
            assert!(error.to_string().contains("TOPIC:KIND:EXCHANGE:KEY"), "{text}: {error}");
        }
    }

    #[test]
    fn routes_that_contradict_each_other_are_refused() {
        let said = |routes: &[&str]| check(&routes.iter().map(|text| route(text)).collect::<Vec<_>>(), "comms").unwrap_err().to_string();
        assert!(said(&["a:direct:comms:k"]).contains("leave it out"));
        assert!(said(&["a:direct:one:k", "a:direct:two:k"]).contains("twice"));
        assert!(
            said(&["a:direct:one:k", "b:topic:one:k"]).contains("Direct") && said(&["a:direct:one:k", "b:topic:one:k"]).contains("Topic")
        );
        assert!(check(&[route("a:direct:one:k"), route("b:direct:one:l")], "comms").is_ok());
    }
}
