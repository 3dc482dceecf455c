//! `offsets`: how far subscriptions are behind, and making them read on elsewhere, through the brokers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Program;
use super::brokers::{is_in_process, patiently};
use super::cli::{OffsetsAction, Target};
use super::report::{Exit, Report, columns};
use super::work::{Place, Work, names, places};
use crate::app::model::AppModel;
use crate::broker::{Lag, Position};
use crate::config::Config;

pub(super) async fn offsets(program: &dyn Program, model: &AppModel, config: &Config, action: &OffsetsAction) -> Report {
    let target = match action {
        OffsetsAction::Show(_) => None,
        OffsetsAction::Seek(target) => match position(target) {
            Ok(position) => Some(position),
            Err(message) => return Report::failed(Exit::Usage, message),
        },
    };
    let places = match places(model, action.whose()).and_then(|places| movable(action, places)) {
        Ok(places) => places,
        Err(message) => return Report::failed(Exit::Usage, message),
    };
    let (lost, places): (Vec<_>, Vec<_>) = places.into_iter().partition(|place| is_in_process(config, &place.broker));
    if places.is_empty() && !lost.is_empty() {
        return Report::failed(Exit::Unsupported, format!("{IN_PROCESS} (asked for: {})", names(&lost)));
    }
    let mut work = Work::new(program, config);
    let report = match &target {
        None => work.show(&places).await,
        Some(position) => work.seek(&places, position).await,
    };
    work.finish(report, &lost, IN_PROCESS).await
}

const IN_PROCESS: &str = "the groups of a `memory:` broker live in the process that runs and end with it; no command can reach them from outside. How far they are behind is told at its admin port, by `/metrics` and `/health/ready`";

/// Where to, as it was written.
fn position(target: &Target) -> Result<Position, String> {
    let Target { to, part, .. } = target;
    let position = match to.as_str() {
        "beginning" => Position::Beginning,
        "end" => Position::End,
        text => match text.parse::<Timestamp>() {
            Ok(time) => Position::Time(time),
            Err(error) if text.contains(':') => {
                return Err(format!("`{text}` is no time: {error}; write it with its zone, as `2026-01-31T12:00:00Z`"));
            }
            Err(_) if text.is_empty() => return Err("`--to` is empty: say `beginning`, `end`, a time, or a place".to_owned()),
            Err(_) => Position::At { part: part.clone(), place: text.to_owned() },
        },
    };
    match (&position, part) {
        (Position::At { .. }, _) | (_, None) => Ok(position),
        (_, Some(part)) => {
            Err(format!("`--part {part}` goes with a place, an offset or an id; {position} is one of all parts: leave it out"))
        }
    }
}

/// Many groups are shown at once, but each is moved because somebody named it.
fn movable(action: &OffsetsAction, places: Vec<Place>) -> Result<Vec<Place>, String> {
    match action {
        OffsetsAction::Seek(target) if !target.all && places.len() > 1 => Err(format!(
            "this moves {} subscriptions ({}): say which one by `--service`, `--topic` or `--group`, or `--all`",
            places.len(),
            names(&places)
        )),
        _ => Ok(places),
    }
}

impl Work<'_> {
    async fn show(&mut self, places: &[Place]) -> Report {
        let mut found = Vec::new();
        for place in places {
            let Some(broker) = self.broker(&place.broker).await else { continue };
            let lag = patiently("read how far the group is behind", broker.admin().lag(&place.subscription)).await;
            found.extend(self.keep(place, lag).map(|lag| (place, lag)));
        }
        shown(&found)
    }

    async fn seek(&mut self, places: &[Place], position: &Position) -> Report {
        let mut moved = Vec::new();
        for place in places {
            let Some(broker) = self.broker(&place.broker).await else { continue };
            let sought = patiently("move the group", broker.admin().seek(&place.subscription, position)).await;
            moved.extend(self.keep(place, sought).map(|()| place.subscription.name()));
        }
        let lines: String = moved.iter().map(|name| format!("{name} goes on with {position}\n")).collect();
        Report::new(lines, json!({ "moved": moved, "to": position.to_string() }))
    }
}

fn shown(found: &[(&Place, Lag)]) -> Report {
    let header = ["SUBSCRIPTION", "PART", "WAITING", "UNSETTLED", "DELAYED", "POSITION"].map(str::to_owned);
    let rows: Vec<[String; 6]> = found.iter().flat_map(|(place, lag)| rows(place, lag)).collect();
    let entries: Vec<Value> = found.iter().map(|(place, lag)| entry(place, lag)).collect();
    let text = if rows.is_empty() { "no subscriptions\n".to_owned() } else { columns(&[vec![header], rows].concat()) };
    Report::new(text, json!({ "subscriptions": entries }))
}

/// One line for the whole, and one for each of its parts.
fn rows(place: &Place, lag: &Lag) -> Vec<[String; 6]> {
    let name = place.subscription.name();
    let nothing = || "-".to_owned();
    let [waiting, unsettled, delayed] = [lag.waiting, lag.unsettled, lag.delayed].map(|count| count.to_string());
    let whole = [name.clone(), nothing(), waiting, unsettled, delayed, nothing()];
    let parts = lag.parts.iter().map(|part| {
        let position = if part.position.is_empty() { nothing() } else { part.position.clone() };
        [name.clone(), part.part.clone(), part.waiting.to_string(), nothing(), nothing(), position]
    });
    std::iter::once(whole).chain(parts).collect()
}

fn entry(place: &Place, lag: &Lag) -> Value {
    json!({
        "subscription": place.subscription.name(),
        "service": place.service,
        "broker": place.broker,
        "lag": lag,
    })
}
