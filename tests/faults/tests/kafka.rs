//! The delivery contract, seen from applications, on Kafka.
//!
//! Three cases ask what Kafka does not have: two members that share the messages of one key (here a key is in one partition, and
//! that with one member; the conformance suite shares messages without a key), and brokers that know how many messages members hold
//! (the suite counts them at the consumer), or whether a command reaches anybody.

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
