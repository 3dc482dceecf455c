//! Services by name, and free handlers that belong to one.

use super::{choices, coexist};
use crate::diagnosis::Diagnosis;
use crate::model::{Crate, Handler};

pub(crate) fn check(krate: &Crate, found: &mut Vec<Diagnosis>) {
    check_names(krate, found);
    let free = krate.handlers.iter().filter(|it| it.is_free && !it.origin.test_only);
    for handler in free.filter(|_| !krate.incomplete) {
        found.extend(check_free(krate, handler));
    }
}

fn check_names(krate: &Crate, found: &mut Vec<Diagnosis>) {
    for (at, later) in krate.services.iter().enumerate() {
        let Some(earlier) = krate.services[..at].iter().find(|it| it.name == later.name && coexist(&it.origin, &later.origin)) else {
            continue;
        };
        found.push(Diagnosis::error(
            later.origin.place.clone(),
            format!("two services are named `{}`: `{}` here and `{}` at {}", later.name, later.ident, earlier.ident, earlier.origin.place),
            "The name is the group of a service's subscriptions: give each its own",
        ));
    }
}

fn check_free(krate: &Crate, handler: &Handler) -> Option<Diagnosis> {
    let names = || krate.services.iter().map(|it| it.name.as_str());
    let attribute = handler.kind.handler_attribute();
    let (cause, way_out) = match &handler.service {
        Some(service) if krate.service(service).is_some() => return None,
        Some(service) => {
            (format!("`{}` belongs to the service `{service}`, which this crate does not have", handler.name), choices(service, names()))
        }
        None if krate.services.is_empty() => (
            format!("`{}` is a handler, but this crate has no service", handler.name),
            "Write a struct with `#[service(name = \"..\", version = \"..\")]`: its name is the group under which messages arrive"
                .to_owned(),
        ),
        None => (
            format!("`{}` does not say which of the services of this crate it belongs to", handler.name),
            format!("Write `#[{attribute}(service = \"..\")]`. {}", choices("", names())),
        ),
    };
    Some(Diagnosis::error(handler.origin.place.clone(), cause, way_out))
}

/// Handlers in a root that nothing wires.
pub(crate) fn check_unwired(krate: &Crate, found: &mut Vec<Diagnosis>) {
    let services = krate.services.iter().map(|it| (&it.origin, &it.ident));
    let handlers = krate.handlers.iter().map(|it| (&it.origin, &it.item));
    let routes = krate.routes.iter().map(|it| (&it.origin, &it.item));
    let providers = krate.providers.iter().map(|it| (&it.origin, &it.name));
    let implementations = krate.implementations.iter().map(|it| (&it.origin, &it.item));
    let clients = krate.clients.iter().map(|it| (&it.origin, &it.ident));
    let first =
        services.chain(handlers).chain(routes).chain(providers).chain(implementations).chain(clients).find(|(origin, _)| !origin.test_only);
    if let Some((origin, item)) = first {
        let wiring = if krate.is_lib() {
            "Write `comms::wiring!();` in the library's root file"
        } else {
            "Write `comms::main!();` in the root file, or move it to the library, whose wiring `comms::main!(name_of_the_library);` runs"
        };
        found.push(Diagnosis::warning(
            origin.place.clone(),
            format!("`{item}` is annotated, but nothing is generated for the crate root that it belongs to: it is not wired"),
            wiring,
        ));
    }
}
