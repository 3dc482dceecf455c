//! The suite on Apache Kafka. Needs Java, and the jars that `tests/servers/install-kafka` fetches.

comms_conformance::conformance!(comms_conformance::backends::kafka::Kafka);
