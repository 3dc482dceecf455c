//! From what an attribute says to the model.

use comms_syntax::{RequestKind, message, names, route};
use proc_macro2::Ident;

use crate::model::{Kind, Message, Origin, Route};

pub(super) fn message_model(model: message::Message, origin: Origin) -> Message {
    let kind = match model.kind {
        message::Kind::Event => Kind::Event,
        message::Kind::Request(kind) => request_kind(kind),
    };
    Message {
        origin,
        ident: names::entry(&model.ident),
        kind,
        wire_name: model.name.value,
        version: model.version.value,
        topic: model.topic.value,
        broker: model.broker.map_or_else(default_broker, |it| it.value),
        owner: model.reply.map(|it| it.owner.value),
    }
}

pub(super) fn route_model(service: &Ident, service_name: Option<String>, route: &route::Route, origin: Origin) -> Route {
    Route {
        origin,
        name: names::entry(&route.ident),
        item: names::method_entry(service, &route.ident),
        descriptor: names::method_descriptor(service, &route.ident).to_string(),
        service: service_name,
        verb: route.verb,
        path: route.path.clone(),
    }
}

pub(super) fn request_kind(kind: RequestKind) -> Kind {
    match kind {
        RequestKind::Command => Kind::Command,
        RequestKind::Query => Kind::Query,
    }
}

pub(super) fn default_broker() -> String {
    "default".to_owned()
}
