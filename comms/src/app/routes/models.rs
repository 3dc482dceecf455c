//! Routes for people, and for documents.

use crate::app::contents::{ContentModel, Generators};
use crate::app::model::{ParameterModel, RouteModel};
use crate::http::{Content, ParameterDecl, RouteDecl};

pub(super) fn model(decl: &RouteDecl, schemas: &mut Generators) -> RouteModel {
    RouteModel {
        name: decl.name.to_owned(),
        verb: decl.verb.as_str(),
        path: decl.path.to_owned(),
        parameters: decl.parameters.iter().map(|decl| parameter(decl, schemas)).collect(),
        status: decl.status,
        timeout: decl.timeout,
        body_limit: decl.body_limit,
        idempotent: decl.idempotent,
        idempotency_key: decl.idempotency_key,
        location: decl.location.to_string(),
        doc: decl.doc.unwrap_or_default().trim().to_owned(),
        answer: decl.answer.map(|shape| content(shape.content(&mut schemas.output))),
        error: decl.error.map(|shape| content(shape.content(&mut schemas.output))),
    }
}

fn parameter(decl: &ParameterDecl, schemas: &mut Generators) -> ParameterModel {
    let content = decl.shape.map(|shape| content(shape.content(&mut schemas.input)));
    ParameterModel { name: decl.name, place: decl.place.to_string(), content }
}

fn content(Content { type_name, media, schema, optional, own_status, refusals }: Content) -> ContentModel {
    let schema = schema.map(schemars::Schema::to_value);
    let refusals = refusals.iter().map(|(status, when)| (*status, (*when).to_owned())).collect();
    ContentModel { rust_type: type_name.to_owned(), media: media.map(str::to_owned), schema, optional, own_status, refusals }
}
