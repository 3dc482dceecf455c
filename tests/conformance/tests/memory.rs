//! The suite on the embedded broker, as it is and with a log.

mod plain {
    comms_conformance::conformance!(comms_conformance::backends::memory::Plain);
}

mod with_log {
    comms_conformance::conformance!(comms_conformance::backends::memory::WithLog);
}
