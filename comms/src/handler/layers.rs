//! The documented order of the inbound pipeline.

/// The layers of the inbound pipeline with what each does, outermost first; a service's own layers follow, then the
/// handler. `wiring` prints them.
pub const PIPELINE: &[(&str, &str)] = &[
    ("order", "in an ordered subscription: one message of a key at a time"),
    ("lookup", "the handler of the message's type; a type without one is skipped and counted"),
    ("dedup", "a message that was handled within the window is skipped; marked after success only"),
    ("refuse", "to the dead letters at once: another version, an expired deadline, too many crashes"),
    ("context", "correlation, causation, deadline and trace, for log lines and for everything that is published meanwhile"),
    ("trace", "a span with the ids of message, conversation and trace, where somebody listens to `comms::process`"),
    ("park", "behind a dead letter of its key, where the subscription parks"),
    ("retry", "a few attempts in the slot, then through the broker, then the dead letters"),
    ("panic", "a panic is a failed attempt"),
    ("timeout", "each attempt ends in time, or is stopped"),
    ("decode", "payload to type, in the codec of its content type"),
];
