//! A route, as an operation.

use serde_json::{Value, json};

use super::responses;
use super::schemas::{Schemas, without_null};
use crate::app::commands::document::describe;
use crate::app::commands::report::size_text;
use crate::app::contents::ContentModel;
use crate::app::model::{ParameterModel, RouteModel, ServiceModel};
use crate::config::format_duration;

/// The route of the service, under this id.
pub(super) fn operation(service: &ServiceModel, route: &RouteModel, id: String, schemas: &Schemas) -> Value {
    let mut operation = json!({ "operationId": id, "tags": [service.name] });
    describe(&mut operation, &route.doc);
    let mut parameters: Vec<Value> = route.parameters.iter().filter_map(|parameter| self::parameter(parameter, route, schemas)).collect();
    parameters.extend(route.idempotency_key.then(idempotency_key));
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if let Some(body) = body(route) {
        operation["requestBody"] = request_body(body, route, schemas);
    }
    operation["responses"] = responses::of(route, schemas);
    if route.idempotent {
        operation["x-idempotent"] = json!(true);
    }
    operation["x-comms-timeout"] = json!(format_duration(route.timeout));
    operation
}

/// The argument that takes the body.
pub(super) fn body(route: &RouteModel) -> Option<&ParameterModel> {
    route.parameters.iter().find(|parameter| parameter.place == "body")
}

/// What the path, the query or the headers bring.
fn parameter(parameter: &ParameterModel, route: &RouteModel, schemas: &Schemas) -> Option<Value> {
    let place = Some(parameter.place.as_str()).filter(|place| ["path", "query", "header"].contains(place))?;
    let optional = place != "path" && parameter.content.as_ref().is_some_and(|content| content.optional);
    let mut value = json!({ "name": parameter.name, "in": place, "required": !optional });
    let mut schema = schema(parameter.content.as_ref(), schemas);
    if optional {
        without_null(&mut schema);
    }
    value["schema"] = schema;
    if route.path.contains(&format!("{{*{}}}", parameter.name)) {
        value["description"] = json!("The rest of the path, with its slashes: OpenAPI can't say that a parameter may have some.");
    }
    Some(value)
}

/// What says that a request is one that was sent before.
fn idempotency_key() -> Value {
    json!({
        "name": "idempotency-key",
        "in": "header",
        "required": false,
        "description": "In quotes, as RFC 8941 writes texts. A request with the key of an earlier one is a repetition of it.",
        "schema": { "type": "string" },
    })
}

fn schema(content: Option<&ContentModel>, schemas: &Schemas) -> Value {
    content.and_then(|content| content.schema.as_ref()).map_or_else(|| json!(true), |schema| schemas.input(schema))
}

fn request_body(body: &ParameterModel, route: &RouteModel, schemas: &Schemas) -> Value {
    let content = body.content.as_ref();
    let media = content.and_then(|content| content.media.as_deref()).unwrap_or("*/*");
    json!({
        "description": format!("At most {}.", size_text(route.body_limit)),
        "required": !content.is_some_and(|content| content.optional),
        "content": { media: { "schema": schema(content, schemas) } },
        "x-comms-limit": route.body_limit,
    })
}
