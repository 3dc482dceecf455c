//! What each party does in a round: publish while nobody consumes, consume what is there, both at once, and one at a time.

use std::time::{Duration, Instant};

use super::{Contestant, Party};
use crate::contest::{Figures, print};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// Rounds that count; one more is to warm up.
    pub rounds: usize,
    /// Messages of each part of a round.
    pub messages: usize,
    /// Bytes of a payload.
    pub bytes: usize,
}

/// How many messages go one at a time in a round.
const ALONE: usize = 1000;

/// The figures of one contestant.
struct Score {
    publish: Figures,
    consume: Figures,
    both: Figures,
    /// Microseconds from publishing to handled, one at a time.
    alone: Vec<f64>,
}

/// Runs every contestant once to warm up, then in turn for so many rounds, and prints the tables.
pub async fn compete(title: &str, contestants: &[Contestant], course: Course) {
    let mut scores: Vec<Score> = contestants.iter().map(|contestant| Score::new(contestant.name)).collect();
    for round in 0..=course.rounds {
        for (number, (contestant, score)) in contestants.iter().zip(&mut scores).enumerate() {
            let party = (contestant.join)(format!("b{}-{round}-{number}", course.bytes), course.bytes).await;
            if round == 0 {
                score_round(party, &mut Score::new(""), course.messages / 10).await;
            } else {
                score_round(party, score, course.messages).await;
            }
        }
    }
    let bytes = course.bytes;
    print_part(&format!("{title}, {bytes} bytes: published and confirmed, nobody consumes"), &scores, |score| &score.publish);
    print_part(&format!("{title}, {bytes} bytes: consumed and settled"), &scores, |score| &score.consume);
    print_part(&format!("{title}, {bytes} bytes: both at once"), &scores, |score| &score.both);
    print_latencies(&format!("{title}, {bytes} bytes: from publishing to handled, one at a time"), &scores);
}

async fn score_round(mut party: Box<dyn Party>, score: &mut Score, messages: usize) {
    let (began, before) = (Instant::now(), party.cpu());
    party.publish(messages).await;
    score.publish.add(messages, began.elapsed(), party.cpu() - before);

    party.expect(messages).await;
    let before = party.cpu();
    party.attach().await;
    let took = party.arrivals().all().await;
    score.consume.add(messages, took, party.cpu() - before);

    party.expect(messages).await;
    let (began, before) = (Instant::now(), party.cpu());
    tokio::join!(party.publish(messages), party.arrivals().all());
    score.both.add(messages, began.elapsed(), party.cpu() - before);

    for _ in 0..ALONE {
        party.expect(1).await;
        let began = Instant::now();
        tokio::join!(party.publish(1), async {
            party.arrivals().all().await;
            score.alone.push(began.elapsed().as_secs_f64() * 1e6);
        });
    }
    party.leave().await;
    // What the connections leave behind is not the next one's.
    tokio::time::sleep(Duration::from_millis(100)).await;
}

impl Score {
    fn new(name: &str) -> Self {
        let figures = || Figures::new(name);
        Self { publish: figures(), consume: figures(), both: figures(), alone: Vec::new() }
    }
}

fn print_part(title: &str, scores: &[Score], part: impl Fn(&Score) -> &Figures) {
    print(title, &scores.iter().map(part).collect::<Vec<_>>());
}

fn print_latencies(title: &str, scores: &[Score]) {
    println!("\n### {title}\n");
    println!("| | p50 | of the first | p99 | of the first |");
    println!("|---|---:|---:|---:|---:|");
    let Some(first) = scores.first() else { return };
    for score in scores {
        let at = |score: &Score, percent| percentile(&score.alone, percent);
        println!(
            "| {} | {:.0} µs | {:.2} | {:.0} µs | {:.2} |",
            score.both.name(),
            at(score, 50),
            at(score, 50) / at(first, 50),
            at(score, 99),
            at(score, 99) / at(first, 99)
        );
    }
}

fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or(f64::NAN)
}
