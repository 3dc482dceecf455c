//! Taking a group elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use super::lag::{Standing, part_name, standing};
use super::shared::Shared;
use super::state::Place;
use super::topics::blocking;
use crate::broker::{BrokerError, BrokerErrorKind, Position, Subscription};

/// What waits for a retry goes with its group to the end only: those messages were published before. From anywhere else they are
/// tried on; their topics don't tell when they were published first.
pub(super) async fn seek(shared: &Arc<Shared>, subscription: &Subscription, position: &Position) -> Result<(), BrokerError> {
    let attempted = format!("move the group of `{}` to {position}", subscription.name());
    let standing = standing(shared, subscription, &attempted).await?;
    let position = position.clone();
    blocking(move || {
        let offsets = find(&standing, &position, &attempted)?;
        standing.group.place(&offsets)
    })
    .await
}

fn find(standing: &Standing, position: &Position, attempted: &str) -> Result<HashMap<Place, i64>, BrokerError> {
    let (group, parts) = (&standing.group, &standing.parts);
    match position {
        Position::Beginning => group.starts(parts),
        Position::End => group.ends(&parts.iter().chain(&standing.rungs).cloned().collect::<Vec<_>>()),
        Position::Time(time) => {
            let mut offsets = group.ends(parts)?;
            offsets.extend(group.since(parts, time.as_millisecond())?);
            Ok(offsets)
        }
        Position::At { part, place } => at(standing, part.as_deref(), place, attempted),
    }
}

/// An offset that each of the partitions has.
fn at(standing: &Standing, part: Option<&str>, place: &str, attempted: &str) -> Result<HashMap<Place, i64>, BrokerError> {
    let wrong = |said: String| BrokerError::new(BrokerErrorKind::Config, format!("could not {attempted}: {said}"));
    let Some(offset) = place.parse().ok().filter(|offset: &i64| *offset >= 0) else {
        return Err(wrong(format!("`{place}` is no offset; write a whole number, as `offsets show` does")));
    };
    let parts: Vec<Place> = standing.parts.iter().filter(|place| part.is_none_or(|part| part == part_name(place))).cloned().collect();
    if parts.is_empty() {
        let known: Vec<String> = standing.parts.iter().map(part_name).collect();
        return Err(wrong(format!("there is no part `{}`; the parts are {}", part.unwrap_or_default(), known.join(", "))));
    }
    let (starts, ends) = (standing.group.starts(&parts)?, standing.group.ends(&parts)?);
    let outside =
        parts.iter().find(|place| !starts.get(*place).zip(ends.get(*place)).is_some_and(|(from, to)| (*from..=*to).contains(&offset)));
    if let Some(place) = outside {
        let range = format!("{} to {}", starts.get(place).unwrap_or(&0), ends.get(place).unwrap_or(&0));
        return Err(wrong(format!(
            "the offsets of `{}` go from {range}; name one of them, and the part if it is not for all",
            part_name(place)
        )));
    }
    Ok(parts.into_iter().map(|place| (place, offset)).collect())
}
