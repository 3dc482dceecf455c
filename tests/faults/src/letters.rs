//! Jobs, and those of them that were given up, by their labels.

use std::collections::BTreeSet;

use crate::parts::{Job, Worker};
use crate::world::Member;

/// Of these jobs.
#[must_use]
pub fn labels(jobs: &[&Job]) -> Vec<String> {
    jobs.iter().map(|job| job.label()).collect()
}

/// Of the dead letters, once there are so many different ones.
pub async fn letters(member: &Member, count: usize) -> BTreeSet<String> {
    member
        .lines()
        .until(&format!("{count} dead letters"), |lines| {
            let given_up: BTreeSet<_> = lines.iter().filter(|line| line.contains("given up")).collect();
            given_up.len() >= count
        })
        .await;
    let letters = member.dead_letters::<Worker>().await;
    letters.iter().map(|letter| Job::label_of(&letter.envelope.payload)).collect()
}
