//! What may be lost.

use super::Broker;

/// A broker that delivers at most once, for what may be lost: prices, positions, notices that something changed.
///
/// It keeps nothing. A message reaches the consumers that are connected when it is published, each of them: there are no groups that share. What
/// was published while a consumer was away, or faster than it took it, is gone. There are no dead letters, nothing survives the
/// process that has it in hand, and no order across members. What needs more is refused: by `check` and at start for what the attributes
/// say, and by [`Broker::subscribe`].
///
/// The delivery contract (docs/delivery.md) holds of the brokers without this trait only; [`Capabilities::at_most_once`](super::Capabilities)
/// says the same of a broker whose type is not known.
pub trait AtMostOnce: Broker {}
