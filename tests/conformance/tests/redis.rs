//! The suite on Redis Streams. Needs `redis-server` and `redis-cli` on PATH.

comms_conformance::conformance!(comms_conformance::backends::redis::Streams);
