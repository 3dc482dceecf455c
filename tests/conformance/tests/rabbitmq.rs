//! The suite on RabbitMQ. Needs `rabbitmq-server` on PATH or where Debian puts it.

comms_conformance::conformance!(comms_conformance::backends::rabbitmq::Rabbit);
