//! Taking a group elsewhere.

use super::lag::{kept_name, no_group, topics_of};
use super::script::SEEK;
use super::session::words;
use super::shared::Shared;
use crate::broker::{BrokerError, BrokerErrorKind, Position, Subscription};

pub(super) async fn seek(shared: &Shared, subscription: &Subscription, position: &Position) -> Result<(), BrokerError> {
    let name = kept_name(subscription)?;
    let group = shared.keys.group(&name);
    let behind = behind(position)?;
    let attempted = format!("move the group `{name}` to {position}");
    loop {
        let (seen, topics) = topics_of(shared, subscription).await?;
        let only = part(&attempted, position, &topics)?;
        let (all, streams): (_, Vec<String>) = (shared.keys.topics(), topics.iter().map(|topic| shared.keys.topic(topic)).collect());
        let mut keys = vec![group.base.as_str(), &group.members, &group.delayed, &all];
        keys.extend(streams.iter().map(String::as_str));
        let answer = SEEK.run(&shared.link, &attempted, &keys, |command| {
            command.arg(&name).arg(&behind).arg(seen).arg(only).arg(&topics);
        });
        let (outcome, detail) = words(answer.await?);
        match outcome.as_str() {
            "missing" => return Err(no_group(&name)),
            "members" => return Err(connected(&attempted, &detail, shared)),
            "again" => {}
            _ => return Ok(()),
        }
    }
}

/// The only topic that is meant; empty for all.
fn part<'a>(attempted: &str, position: &'a Position, topics: &[String]) -> Result<&'a str, BrokerError> {
    let Position::At { part: Some(part), .. } = position else { return Ok("") };
    if topics.iter().any(|topic| topic == part) {
        return Ok(part);
    }
    let message = format!(
        "could not {attempted}: `{part}` is none of its topics; a group moves in topics, from which its shards are filled again: {}",
        if topics.is_empty() { "it has none yet".to_owned() } else { topics.join(", ") }
    );
    Err(BrokerError::new(BrokerErrorKind::Config, message))
}

fn connected(attempted: &str, members: &str, shared: &Shared) -> BrokerError {
    let lease = shared.config.lease;
    let message = format!(
        "could not {attempted}: {members} of its members are connected; stop the service first. One that was killed counts until its lease of {lease:?} is over"
    );
    BrokerError::new(BrokerErrorKind::Refused, message)
}

/// The id that stands right before the first message to read.
fn behind(position: &Position) -> Result<String, BrokerError> {
    match position {
        Position::Beginning => Ok("0".to_owned()),
        Position::End => Ok("$".to_owned()),
        Position::Time(time) => Ok(before(u64::try_from(time.as_millisecond()).unwrap_or(0), 0)),
        Position::At { place, .. } => {
            let (ms, sequence) = place.split_once('-').unwrap_or((place, "0"));
            match (ms.parse(), sequence.parse()) {
                (Ok(ms), Ok(sequence)) => Ok(before(ms, sequence)),
                _ => Err(no_id(place)),
            }
        }
    }
}

fn before(ms: u64, sequence: u64) -> String {
    match (ms, sequence) {
        (0, 0) => "0".to_owned(),
        (ms, 0) => format!("{}-{}", ms - 1, u64::MAX),
        (ms, sequence) => format!("{ms}-{}", sequence - 1),
    }
}

fn no_id(place: &str) -> BrokerError {
    let message = format!("`{place}` is no id of an entry in a stream of Redis: expected milliseconds and a number, as 1700000000000-0");
    BrokerError::new(BrokerErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_begins_right_behind_the_id_before() {
        let at = |place: &str| behind(&Position::At { part: None, place: place.to_owned() });
        assert_eq!([at("5-3").unwrap(), at("5-0").unwrap(), at("5").unwrap()], ["5-2", "4-18446744073709551615", "4-18446744073709551615"]);
        assert_eq!([at("0-0").unwrap(), at("0").unwrap(), at("0-1").unwrap()], ["0", "0", "0-0"]);
        assert_eq!(behind(&Position::Time("1969-01-01T00:00:00Z".parse().unwrap())).unwrap(), "0");
        assert_eq!(behind(&Position::Time("1970-01-01T00:00:01.5009Z".parse().unwrap())).unwrap(), "1499-18446744073709551615");
        for wrong in ["", "x", "5-", "-5", "5-3-1", "99999999999999999999"] {
            assert!(at(wrong).unwrap_err().to_string().contains("1700000000000-0"), "{wrong}");
        }
    }
}
