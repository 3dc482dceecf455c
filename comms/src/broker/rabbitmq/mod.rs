//! RabbitMQ over lapin.
