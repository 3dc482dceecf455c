//! Whether the wiring, which stands in the crate root, can name what it wires.

use crate::diagnosis::Diagnosis;
use crate::model::{Crate, Origin};

pub(crate) fn check(krate: &Crate, found: &mut Vec<Diagnosis>) {
    let services = krate.services.iter().map(|it| (&it.origin, &it.ident));
    let handlers = krate.handlers.iter().map(|it| (&it.origin, &it.item));
    let routes = krate.routes.iter().map(|it| (&it.origin, &it.item));
    let providers = krate.providers.iter().map(|it| (&it.origin, &it.name));
    let messages = krate.messages.iter().map(|it| (&it.origin, &it.ident));
    let implementations = krate.implementations.iter().map(|it| (&it.origin, &it.item));
    let clients = krate.clients.iter().map(|it| (&it.origin, &it.ident));
    let all = services.chain(handlers).chain(routes).chain(providers).chain(messages).chain(implementations).chain(clients);
    for (origin, item) in all.filter(|(origin, _)| !origin.test_only) {
        found.extend(check_item(origin, item));
    }
}

fn check_item(origin: &Origin, item: &str) -> Option<Diagnosis> {
    let barrier = origin.barrier.as_ref()?;
    let declaration = &barrier.declaration;
    let cause = if barrier.place == origin.place {
        format!("`{item}` is private, so that the wiring in the crate root can't reach it")
    } else {
        format!("`{item}` can't be reached from the crate root, where the wiring stands: `{declaration}` at {} is private", barrier.place)
    };
    Some(Diagnosis::error(origin.place.clone(), cause, format!("Write `pub(crate) {declaration}`")))
}
