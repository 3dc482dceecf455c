//! What a transactional handler can't have around it.

use super::plans::Planned;
use super::problems::Problems;
use super::registry::HandlerEntry;
use crate::handler::AfterDeadLetter;
use crate::message::MessageKind;

/// Reports what would break the promise of the transactional handlers of a subscription.
pub(super) fn check(planned: &Planned, problems: &mut Problems) {
    for handler in planned.handlers.iter().filter(|handler| handler.decl.transactional) {
        for reason in reasons(planned, handler) {
            let (name, location, service) = (handler.decl.name, handler.decl.location, planned.service);
            problems.add(format!("handler `{name}` ({location}) of service `{service}` is `transactional`, but {reason}"));
        }
    }
}

fn reasons(planned: &Planned, handler: &HandlerEntry) -> Vec<String> {
    let (topic, mut reasons) = (&planned.topic, Vec::new());
    if handler.message.kind != MessageKind::Event {
        reasons.push("it answers a request, and an answer is sent at once: publish from the handler of an event".to_owned());
    }
    if handler.decl.batch.is_some() {
        reasons.push("it takes batches, whose messages are settled each by itself: take single messages".to_owned());
    }
    if planned.subscription.dedup.is_some() {
        reasons.push(format!(
            "the subscription to `{topic}` has `dedup`, which would skip a message whose transaction failed and that comes again: take `dedup` away, or write `dedup = \"0s\"` in the configuration"
        ));
    }
    if planned.subscription.ordered.is_some() && planned.subscription.after == AfterDeadLetter::ParkKey {
        reasons.push(format!(
            "the subscription to `{topic}` parks keys (`after = \"park-key\"`), which is decided before the transaction is: write `after = \"continue\"`"
        ));
    }
    for event in handler.publishes.iter().filter(|event| event.broker != planned.subscription.broker) {
        reasons.push(format!(
            "publishes `{}` on the broker `{}`, and its own is `{}`: there is no transaction over two brokers; publish it from a handler that is not `transactional`",
            event.name, event.broker, planned.subscription.broker
        ));
    }
    reasons
}
