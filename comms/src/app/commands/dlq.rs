//! `dlq`: the dead letters of every subscription, through the brokers.

use serde_json::{Value, json};

use super::Program;
use super::brokers::{is_in_process, patiently};
use super::cli::{Chosen, DlqAction, Which};
use super::report::{Exit, Report, columns};
use super::work::{Place, Work, names, places};
use crate::app::model::AppModel;
use crate::broker::{DeadLetter, DeadLetterFilter};
use crate::config::Config;

pub(super) async fn dlq(program: &dyn Program, model: &AppModel, config: &Config, action: &DlqAction) -> Report {
    let by_id = |id: &String| Which { id: Some(id.clone()), ..Which::default() };
    let which = match action {
        DlqAction::List(which) => which.clone(),
        DlqAction::Show { id } => by_id(id),
        DlqAction::Replay(chosen) | DlqAction::Purge(chosen) if !chosen.is_chosen() => return not_chosen(),
        DlqAction::Replay(Chosen { which, .. }) | DlqAction::Purge(Chosen { which, .. }) => which.clone(),
    };
    let places = match places(model, &which.of) {
        Ok(places) => places,
        Err(message) => return Report::failed(Exit::Usage, message),
    };
    let (lost, places): (Vec<_>, Vec<_>) = places.into_iter().partition(|place| is_in_process(config, &place.broker));
    if places.is_empty() && !lost.is_empty() {
        return only_in_process(&lost);
    }
    let mut work = Work::new(program, config);
    let report = work.act(&places, action, &filter(&which)).await;
    work.finish(report, &lost, IN_PROCESS).await
}

fn not_chosen() -> Report {
    Report::failed(
        Exit::Usage,
        "say which dead letters: by `--id`, `--type`, `--key`, `--service`, `--topic`, `--group` or `--limit`; or `--all`",
    )
}

fn filter(which: &Which) -> DeadLetterFilter {
    DeadLetterFilter { id: which.id.clone(), name: which.name.clone(), key: which.key.clone(), limit: which.limit }
}

const IN_PROCESS: &str = "the dead letters of a `memory:` broker live in the process that runs and end with it; no command can reach them from outside. Look for the errors in its log, or configure a broker that keeps them, as in `[brokers.default]` `url = \"amqp://..\"`";

fn only_in_process(lost: &[Place]) -> Report {
    Report::failed(Exit::Unsupported, format!("{IN_PROCESS} (asked for: {})", names(lost)))
}

impl Work<'_> {
    async fn act(&mut self, places: &[Place], action: &DlqAction, filter: &DeadLetterFilter) -> Report {
        match action {
            DlqAction::List(_) => list(&self.letters(places, filter).await),
            DlqAction::Show { id } => show(id, &self.letters(places, filter).await),
            DlqAction::Replay(_) => self.count(places, filter, "replayed").await,
            DlqAction::Purge(_) => self.count(places, filter, "purged").await,
        }
    }

    async fn letters<'p>(&mut self, places: &'p [Place], filter: &DeadLetterFilter) -> Vec<(&'p Place, Vec<DeadLetter>)> {
        let mut found = Vec::new();
        for place in places {
            let Some(broker) = self.broker(&place.broker).await else { continue };
            let letters = patiently("read the dead letters", broker.admin().dead_letters(&place.subscription, filter)).await;
            found.extend(self.keep(place, letters).map(|letters| (place, letters)));
        }
        found
    }

    async fn count(&mut self, places: &[Place], filter: &DeadLetterFilter, done: &str) -> Report {
        let mut counts = Vec::new();
        for place in places {
            let Some(broker) = self.broker(&place.broker).await else { continue };
            let (admin, subscription) = (broker.admin(), place.subscription.as_ref());
            // Without a limit of time: moving many letters may take long, and half of them moved is no better.
            let count = match done {
                "purged" => admin.purge(subscription, filter).await,
                _ => admin.replay(subscription, filter).await,
            };
            counts.extend(self.keep(place, count).map(|count| (place, count)));
        }
        counted(&counts, done)
    }
}

fn list(found: &[(&Place, Vec<DeadLetter>)]) -> Report {
    let header = ["SUBSCRIPTION", "ID", "TYPE", "KEY", "REASON", "ATTEMPTS", "GIVEN UP", "ERROR"].map(str::to_owned);
    let rows: Vec<[String; 8]> = found.iter().flat_map(|(place, letters)| letters.iter().map(|letter| row(place, letter))).collect();
    let entries: Vec<Value> = found.iter().flat_map(|(place, letters)| letters.iter().map(|letter| entry(place, letter))).collect();
    let text = if rows.is_empty() { "no dead letters\n".to_owned() } else { columns(&[vec![header], rows].concat()) };
    Report::new(text, json!({ "dead_letters": entries }))
}

fn row(place: &Place, letter: &DeadLetter) -> [String; 8] {
    let (metadata, provenance) = (&letter.envelope.metadata, &letter.provenance);
    let error = provenance.errors.first().map(|error| first_line(error)).unwrap_or_default();
    [
        place.subscription.name(),
        metadata.id.to_string(),
        format!("{} v{}", metadata.name, metadata.version),
        metadata.key.as_deref().unwrap_or("-").to_owned(),
        provenance.reason.clone(),
        provenance.attempts.to_string(),
        format!("{:.0}", provenance.given_up),
        error,
    ]
}

/// For a table: one line, and not the width of a screen.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() > 80 { format!("{}..", line.chars().take(78).collect::<String>()) } else { line.to_owned() }
}

fn entry(place: &Place, letter: &DeadLetter) -> Value {
    let metadata = &letter.envelope.metadata;
    json!({
        "subscription": place.subscription.name(),
        "service": place.service,
        "broker": place.broker,
        "id": metadata.id.to_string(),
        "type": metadata.name,
        "version": metadata.version,
        "source": &*metadata.source,
        "time": metadata.time,
        "key": metadata.key.as_deref(),
        "content_type": metadata.content_type,
        "correlation": metadata.correlation.as_ref().map(ToString::to_string),
        "causation": metadata.causation.as_ref().map(ToString::to_string),
        "trace": metadata.trace.map(|trace| trace.to_string()),
        "extensions": *metadata.extensions,
        "provenance": letter.provenance,
    })
}

fn show(id: &str, found: &[(&Place, Vec<DeadLetter>)]) -> Report {
    let full = |place: &Place, letter: &DeadLetter| {
        let mut entry = entry(place, letter);
        entry["payload"] = payload(&letter.envelope.payload);
        entry
    };
    let letters: Vec<Value> = found.iter().flat_map(|(place, letters)| letters.iter().map(|letter| full(place, letter))).collect();
    if letters.is_empty() {
        return Report::failed(Exit::Failure, format!("no dead letter has the id `{id}`; `dlq list` shows those that there are"));
    }
    let texts: Vec<String> = letters.iter().map(|letter| format!("{letter:#}\n")).collect();
    Report::new(texts.concat(), json!({ "dead_letters": letters }))
}

/// JSON as it is, other text as text, everything else as its bytes in hexadecimal.
fn payload(bytes: &[u8]) -> Value {
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        return json!({ "json": value });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
    }
}

fn counted(counts: &[(&Place, usize)], done: &str) -> Report {
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    let rows: Vec<[String; 2]> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(place, count)| [format!("  {}", place.subscription.name()), count.to_string()])
        .collect();
    let entries: Vec<Value> =
        counts.iter().map(|(place, count)| json!({ "subscription": place.subscription.name(), "count": count })).collect();
    Report::new(format!("{done} {total}\n{}", columns(&rows)), json!({ done: total, "subscriptions": entries }))
}
