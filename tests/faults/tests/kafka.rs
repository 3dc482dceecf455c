//! The delivery contract, seen from applications, on Kafka.
//!
//! Three cases ask what Kafka does not have: two members that share the messages of one key (here a key is in one partition, and
//! that with one member; the conformance suite shares messages without a key), and brokers that know how many messages members hold
//! (the suite counts them at the consumer), or whether a command reaches anybody.

#![allow(clippy::print_stdout, reason = "the figures of a run, shown with --nocapture")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use comms::Stopped;
use comms_faults::parts::{Job, Script, Worker};
use comms_faults::record::Seen;
use comms_faults::world::World;

comms_faults::on_kafka! {
    failing {
        a_failure_is_retried_on_both_levels_with_one_count,
        a_panic_is_a_failure_like_any_other,
        a_handler_that_hangs_is_stopped_and_tried_again,
        what_waits_for_a_later_attempt_holds_no_slot,
        a_duplicate_is_skipped_only_after_success,
    }
    giving_up {
        retries_are_bounded_and_then_the_message_is_a_dead_letter,
        a_permanent_error_is_not_retried,
        what_cannot_be_decoded_is_a_dead_letter_at_once,
        a_newer_version_is_kept,
        a_type_that_was_never_named_is_skipped_and_counted,
        a_foreign_message_needs_no_more_than_its_type,
        a_message_whose_deadline_is_over_is_kept_unhandled,
        a_replayed_dead_letter_is_handled_as_if_new,
        readers_of_dead_letters_do_not_hide_them_from_each_other,
    }
    ordering {
        messages_of_one_key_keep_their_order_under_retries,
        others_run_on_while_a_key_is_retried,
        order_holds_over_two_members_of_which_one_leaves,
        order_holds_over_two_members_of_which_one_crashes,
        after_a_dead_letter_an_ordered_subscription_may_continue,
        a_parked_key_waits_for_its_replay_and_keeps_its_order,
    }
    sharing {
        two_groups_get_every_message_each,
        a_pattern_gets_what_it_matches_and_nothing_else,
        concurrency_is_how_many_are_in_hand_and_is_used,
    }
    stopping {
        a_drained_member_loses_and_repeats_nothing,
        what_is_in_hand_is_finished,
        what_waits_between_two_attempts_goes_back,
        an_idle_application_stops_at_once,
    }
    requests {
        the_answer_of_a_remote_handler_reaches_the_caller_as_its_type,
        a_hundred_callers_get_their_own_replies,
    }
}

/// Members that come and go while there is work: their partitions move once nothing of them is in hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_come_and_go_during_work_lose_and_repeat_nothing() {
    let world = World::kafka().await;
    let seen = Seen::default();
    let log = seen.clone();
    let script = Script::new(move |job| {
        let log = log.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(3)).await;
            log.add(job.label());
            Ok(())
        }
    });
    let first = world.run::<Worker>(script.clone()).await;
    let (enough, publisher) = (Arc::new(AtomicBool::new(false)), world.stranger().await);
    let publishing = tokio::spawn({
        let (enough, seen) = (Arc::clone(&enough), seen.clone());
        async move {
            let mut jobs = Vec::new();
            while !enough.load(Ordering::Relaxed) {
                let part: Vec<Job> = (jobs.len()..jobs.len() + 40)
                    .map(|number| Job::new(&format!("k{}.", number % 40), u32::try_from(number).unwrap()))
                    .collect();
                publisher.publish_all(&part).await;
                jobs.extend(part);
                // There is always work, and never much.
                seen.until_there_are(jobs.len().saturating_sub(200)).await;
            }
            jobs
        }
    });
    let mut others = Vec::new();
    for _ in 0..3 {
        let other = world.run::<Worker>(script.clone()).await;
        other.lines().until_there_are(20).await;
        others.push(other);
    }
    for _ in 0..2 {
        assert_eq!(others.remove(0).stop().await, Stopped::Drained);
        first.lines().until_there_are(first.lines().len() + 20).await;
    }
    enough.store(true, Ordering::Relaxed);
    let jobs = publishing.await.unwrap();
    let all: Vec<String> = jobs.iter().map(Job::label).collect();
    seen.until_all(&all).await;
    println!("members come and go: {} published, {} handled", jobs.len(), seen.len());
    let repeated: Vec<(String, usize)> = seen.tally().into_iter().filter(|(_, count)| *count > 1).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
}
