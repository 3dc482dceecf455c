//! Wire names: one type each.

use std::collections::HashMap;

use super::coexist;
use crate::diagnosis::Diagnosis;
use crate::model::{Message, Role, World};

pub(crate) fn check(world: &World, found: &mut Vec<Diagnosis>) {
    let mut seen: HashMap<(&str, u32), Vec<&Message>> = HashMap::new();
    for (at, message) in world.messages().filter(|(_, it)| !it.origin.test_only) {
        let earlier = seen.entry((&message.wire_name, message.version)).or_default();
        let double = earlier.iter().find(|it| coexist(&it.origin, &message.origin));
        if let Some(first) = double.filter(|first| first.origin.place != message.origin.place) {
            found.push(diagnosis(first, message, world.crates[at.krate].role == Role::Member));
        }
        earlier.push(message);
    }
}

/// Crates of a system may each have a type of their own for one message on purpose, as long as they agree.
fn diagnosis(first: &Message, second: &Message, member: bool) -> Diagnosis {
    let cause = format!(
        "`{}` version {} is the wire name of two types: `{}` here and `{}` at {}",
        second.wire_name, second.version, second.ident, first.ident, first.origin.place
    );
    let way_out = if member {
        "Share one type from a crate of contracts, or name one of the messages differently"
    } else {
        "Give one of them another name, or count up its version if it is the same message in a new shape"
    };
    Diagnosis::error(second.origin.place.clone(), cause, way_out)
}
