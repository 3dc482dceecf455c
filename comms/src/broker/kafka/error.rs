//! What librdkafka says, in the terms of the contract.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::broker::{BrokerError, BrokerErrorKind as Kind};

/// An error of librdkafka or of a broker, with what was attempted.
pub(super) fn broker_error(attempted: &str, error: &KafkaError) -> BrokerError {
    let kind = error.rdkafka_error_code().map_or(Kind::Connection, kind_of);
    BrokerError::new(kind, format!("could not {attempted}: {error}"))
}

/// The same for a code by itself.
pub(super) fn code_error(attempted: &str, code: Code) -> BrokerError {
    BrokerError::new(kind_of(code), format!("could not {attempted}: {code}"))
}

/// What a message came to that was not delivered. What timed out may have been written all the same.
pub(super) fn undelivered(topic: &str, error: &KafkaError) -> BrokerError {
    let code = error.rdkafka_error_code();
    let kind = match code {
        Some(Code::MessageTimedOut | Code::RequestTimedOut | Code::OperationTimedOut | Code::PurgeInflight) => Kind::Unknown,
        Some(Code::PurgeQueue) => Kind::Closed,
        Some(code) => match kind_of(code) {
            Kind::Connection => Kind::Unknown,
            kind => kind,
        },
        None => Kind::Unknown,
    };
    BrokerError::new(kind, format!("the message for the topic `{topic}` was not confirmed by Kafka: {error}"))
}

fn kind_of(code: Code) -> Kind {
    match code {
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => Kind::TooLarge,
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => Kind::Authentication,
        Code::InvalidTopic | Code::InvalidPartitions | Code::InvalidConfig | Code::PolicyViolation => Kind::Topology,
        // More replicas than brokers: while some of them are away, that passes.
        Code::InvalidReplicationFactor
        | Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::OperationTimedOut
        | Code::RequestTimedOut
        | Code::TimedOutQueue
        | Code::Resolve
        | Code::NetworkException
        | Code::BrokerNotAvailable
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::CoordinatorNotAvailable
        | Code::CoordinatorLoadInProgress
        | Code::NotCoordinator
        | Code::WaitingForCoordinator
        | Code::UnknownTopicOrPartition
        | Code::UnknownTopic
        | Code::UnknownPartition
        | Code::RebalanceInProgress
        | Code::InProgress
        | Code::Outdated => Kind::Connection,
        _ => Kind::Refused,
    }
}

/// Whether waiting can't mend it.
pub(super) fn is_fatal(kind: Kind) -> bool {
    !matches!(kind, Kind::Connection | Kind::Refused)
}
