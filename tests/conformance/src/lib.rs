//! The delivery contract at the level of the broker, as one suite that every backend has to pass.
//!
//! A backend implements [`Backend`] and calls [`conformance!`]; that makes one `#[test]` of each case.
//! What a backend does not declare is not skipped: the case asserts that it is refused, or that the
//! declared lesser behaviour is what happens.
#![allow(clippy::missing_panics_doc, reason = "a test suite panics when it fails")]

mod backend;
mod run;
pub mod world;

pub mod backends;
pub mod cases;

pub use backend::{Backend, Server, Setup};
pub use run::run;
pub use world::{Member, World};

/// Makes one test of each case of the suite for a backend.
#[macro_export]
macro_rules! conformance {
    ($backend:ty) => {
        $crate::delivery! { $backend }
        $crate::operating! { $backend }
    };
}

/// What operators ask of a broker, as one test of each case.
#[macro_export]
macro_rules! operating {
    ($backend:ty) => {
        $crate::tests! { $backend,
            lagging {
                lag_counts_what_waits_and_what_is_unsettled,
                lag_goes_back_to_nothing_when_all_is_settled,
                lag_counts_what_waits_for_its_next_attempt,
                lag_by_part_adds_up_to_the_whole,
                lag_belongs_to_one_group,
                lag_of_a_pattern_counts_every_topic_that_matches,
                lag_of_a_group_that_does_not_exist_is_an_error_that_names_it,
            }
            applying {
                what_is_published_after_applying_reaches_the_group_when_it_first_starts,
                applying_again_makes_nothing_and_takes_nothing,
                applying_what_differs_is_refused_and_makes_nothing,
                applying_leaves_orphans_alone,
                applying_after_close_is_closed,
            }
            seeking {
                a_group_that_goes_to_the_beginning_gets_everything_again,
                a_group_that_goes_to_the_end_gets_only_what_is_new,
                a_group_that_goes_to_a_time_gets_what_was_published_since,
                an_ordered_group_that_goes_back_keeps_its_order,
                a_group_with_a_member_is_not_moved,
                moving_a_group_that_does_not_exist_is_an_error_that_names_it,
            }
        }
    };
}

/// The delivery of messages, as one test of each case.
#[macro_export]
macro_rules! delivery {
    ($backend:ty) => {
        $crate::handing_over! { $backend }
        $crate::crashing! { $backend }
    };
}

/// The delivery of messages while the server lives.
#[macro_export]
macro_rules! handing_over {
    ($backend:ty) => {
        $crate::tests! { $backend,
            publishing {
                a_confirmed_message_reaches_its_subscription,
                a_message_without_a_subscription_has_the_declared_result,
                an_empty_payload_arrives,
                a_large_payload_arrives_byte_for_byte,
                a_message_over_the_limit_is_too_large,
                all_attributes_survive_unicode_included,
                a_message_without_attributes_arrives,
                many_messages_in_flight_are_all_confirmed,
                concurrent_publishers_keep_their_own_order,
                who_comes_late_finds_each_publisher_in_order,
                publishing_after_close_is_closed,
                an_outcome_that_is_late_is_unknown,
                the_backend_declares_its_capabilities,
                two_connections_that_publish_at_once_lose_nothing,
            }
            groups {
                a_pattern_gets_every_topic_that_matches_and_no_other,
                each_group_gets_every_message,
                members_of_a_group_share_the_messages,
                a_new_group_starts_with_what_is_new,
                a_new_group_starts_with_the_earliest_where_that_is_kept,
                a_group_outlives_its_members,
                declaring_again_changes_nothing,
                declaring_another_order_is_a_topology_error,
                a_plan_says_create_then_keep_and_does_nothing,
                an_ephemeral_group_ends_with_its_consumer,
                a_consumer_waits_and_ends_only_when_the_broker_is_closed,
                subscribing_after_close_is_closed,
                a_pattern_keeps_a_new_topic_for_a_group_without_members,
            }
            settling {
                what_a_member_held_when_it_went_comes_again_and_is_counted,
                a_released_message_comes_again,
                a_dropped_delivery_is_released,
                a_released_message_goes_to_any_member,
                no_more_than_prefetch_is_unsettled,
                acknowledging_out_of_order_loses_nothing,
                closing_writes_out_the_acknowledgements,
                settling_after_the_member_went_does_nothing,
                a_message_that_is_released_again_and_again_stays_as_it_was,
                settling_after_close_does_nothing,
            }
            retrying {
                a_retried_message_comes_back_after_its_delay_with_its_attempt,
                a_retry_holds_no_slot_while_it_waits,
                only_the_group_that_retried_gets_the_message_again,
                a_retry_outlives_the_member_that_asked_for_it,
                a_cancelled_retry_is_not_a_loss,
                a_retry_brings_back_what_it_was_given,
                a_short_delay_does_not_wait_for_a_long_one,
                a_crash_counts_on_top_of_the_retries,
            }
            dead_letters {
                a_dead_letter_keeps_bytes_attributes_and_provenance,
                listing_filters_and_takes_nothing_off,
                a_replay_sends_them_back_in_order_and_marked,
                a_purge_destroys_only_what_is_meant,
                a_dead_lettered_message_is_off_the_queue,
                dead_letters_belong_to_one_subscription,
                a_replay_by_id_leaves_the_others_in_their_order,
                a_purge_with_a_limit_destroys_the_oldest,
                a_letter_that_is_given_up_again_is_listed_once,
            }
            ordering {
                messages_of_a_key_come_in_publish_order,
                two_members_never_hold_one_key_at_once,
                what_a_member_holds_keeps_its_keys_from_others,
                when_a_member_leaves_its_shards_move_in_order,
                a_key_has_one_shard,
                messages_without_a_key_arrive_in_an_ordered_subscription,
                keys_of_any_text_keep_their_order,
                what_is_released_comes_again_in_the_order_of_its_key,
            }
            isolation {
                a_group_that_is_slow_holds_up_no_other,
                what_is_in_hand_is_given_to_no_other_member,
                a_member_that_goes_leaves_the_others_of_its_connection_alone,
                a_member_of_a_pattern_holds_no_more_than_its_prefetch,
                an_ordered_member_holds_no_more_than_its_prefetch,
                a_replay_in_an_ordered_subscription_reaches_no_other_group,
            }
            transactions {
                what_was_published_comes_with_the_settlement,
                what_is_sent_in_a_transaction_arrives_as_it_was_published,
                what_a_member_did_not_commit_happens_once_with_the_next_one,
                committing_out_of_order_repeats_and_loses_nothing,
                what_publishes_nothing_is_settled_too,
                a_retry_in_a_transaction_comes_back_once,
                a_dead_letter_in_a_transaction_is_there_once_and_can_be_replayed,
                an_ordered_group_publishes_in_the_order_of_its_keys,
                a_shard_that_moves_during_work_repeats_nothing,
                what_cannot_be_sent_is_refused_before_the_commit,
            }
        }
    };
}

/// What outlives the server, as one test of each case.
#[macro_export]
macro_rules! crashing {
    ($backend:ty) => {
        $crate::tests! { $backend,
            faults {
                ten_thousand_messages_over_a_crash_lose_none_that_was_confirmed,
                a_consumer_outlives_a_crash_of_the_broker,
                publishing_waits_out_a_restart,
                what_was_confirmed_survives_as_far_as_declared,
                a_retry_survives_as_far_as_declared,
                a_dead_letter_survives_as_far_as_declared,
                the_order_of_each_key_outlives_a_crash,
                commits_outlive_a_crash_of_the_broker,
            }
        }
    };
}

/// One test for each case that is listed.
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($backend:ty, $($group:ident { $($case:ident),* $(,)? })*) => {
        $(mod $group {
            #[allow(unused_imports, reason = "the backend may be named by its full path")]
            use super::*;
            $(#[test]
            fn $case() {
                $crate::run(stringify!($case), $crate::cases::$group::$case::<$backend>());
            })*
        })*
    };
}

#[cfg(test)]
mod tests {
    /// A case that nobody runs proves nothing.
    #[test]
    fn every_case_is_listed() {
        let list = include_str!("lib.rs");
        let cases = [
            include_str!("cases/publishing.rs"),
            include_str!("cases/groups.rs"),
            include_str!("cases/settling.rs"),
            include_str!("cases/retrying.rs"),
            include_str!("cases/dead_letters.rs"),
            include_str!("cases/ordering.rs"),
            include_str!("cases/isolation.rs"),
            include_str!("cases/faults.rs"),
            include_str!("cases/lagging.rs"),
            include_str!("cases/applying.rs"),
            include_str!("cases/seeking.rs"),
            include_str!("cases/transactions.rs"),
        ];
        let names = cases.iter().flat_map(|text| text.split("pub async fn ").skip(1)).filter_map(|rest| rest.split_once('<'));
        let missing: Vec<&str> = names.map(|(name, _)| name).filter(|name| !list.contains(&format!("    {name},\n"))).collect();
        assert!(missing.is_empty(), "not in a list of `conformance!`: {missing:?}");
    }
}
