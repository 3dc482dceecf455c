//! What a route answers: in case of success, and what went wrong.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::operation::body;
use super::schemas::Schemas;
use crate::app::model::RouteModel;

const PROBLEM: &str = "application/problem+json";

/// The name of the schema of problems; no other has it.
pub(super) const PROBLEM_SCHEMA: &str = "Problem";

/// Of an answer that chooses its status itself.
const ANY_SUCCESS: &str = "2XX";

/// What goes wrong before the method is called: the status, the name of the shared answer, and what it says.
type Before = (u16, &'static str, &'static str);

const BAD_REQUEST: Before =
    (400, "BadRequest", "A parameter is missing or can't be read, or the body is no JSON. The member `detail` says which.");
const OF_BODY: [Before; 4] = [
    (408, "RequestTimeout", "The body came too slowly."),
    (413, "ContentTooLarge", "The body is larger than the route takes."),
    (415, "UnsupportedMediaType", "The body has another content type."),
    (422, "UnprocessableContent", "The body is JSON of another shape, or the request can't be done as it stands."),
];

/// The answers of the route.
pub(super) fn of(route: &RouteModel, schemas: &Schemas) -> Value {
    let mut responses = Map::new();
    let (status, success) = success(route, schemas);
    responses.insert(status, success);
    let of_parameters = (!route.parameters.is_empty()).then_some(BAD_REQUEST);
    let before: Vec<Before> = of_parameters.into_iter().chain(body(route).into_iter().flat_map(|_| OF_BODY)).collect();
    for (status, name, _) in &before {
        responses.insert(status.to_string(), reference(name));
    }
    let own = route.error.as_ref().and_then(|error| error.schema.as_ref());
    let problem = || json!({ "$ref": format!("#/components/schemas/{PROBLEM_SCHEMA}") });
    let schema = own.map_or_else(problem, |error| refusal(&schemas.output(error)));
    for (status, when) in refusals(route, &before) {
        responses.insert(status.to_string(), refused(&when.join(" Or: "), &schema));
    }
    let default = own
        .map_or_else(|| reference(PROBLEM_SCHEMA), |_| refused("What went wrong. The service's own error is the member `error`.", &schema));
    responses.insert("default".to_owned(), default);
    Value::Object(responses)
}

/// What the error of the route says of itself, by status; what is refused beforehand may have the same one.
fn refusals<'a>(route: &'a RouteModel, before: &[Before]) -> BTreeMap<u16, Vec<&'a str>> {
    let mut refusals: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    // No problem has any other status.
    for (status, when) in route.answer.iter().flat_map(|answer| &answer.refusals).filter(|(status, _)| (400..600).contains(status)) {
        refusals.entry(*status).or_default().push(when);
    }
    for (status, _, text) in before {
        refusals.entry(*status).and_modify(|when| when.push(text));
    }
    refusals
}

fn refused(description: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { PROBLEM: { "schema": schema } } })
}

/// The problem, with the service's own error as data in it.
fn refusal(error: &Value) -> Value {
    let own = json!({
        "type": "object",
        "properties": {
            "error": error,
            "class": { "enum": ["permanent", "retryable", "unknown"], "description": "Whether the same call may succeed later." },
        },
    });
    json!({ "allOf": [{ "$ref": format!("#/components/schemas/{PROBLEM_SCHEMA}") }, own] })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{name}") })
}

fn success(route: &RouteModel, schemas: &Schemas) -> (String, Value) {
    let Some(content) = route.answer.as_ref().filter(|content| content.media.as_deref() != Some("*/*")) else {
        let value = json!({ "description": "Success. The route itself says how it looks.", "content": { "*/*": {} } });
        return (ANY_SUCCESS.to_owned(), value);
    };
    let Some(media) = &content.media else {
        let (status, description) = said(if route.status == 200 { 204 } else { route.status }, content.own_status);
        return (status, json!({ "description": description }));
    };
    let schema = content.schema.as_ref().map_or_else(|| json!(true), |schema| schemas.output(schema));
    let (status, description) = said(route.status, content.own_status);
    (status, json!({ "description": description, "content": { media: { "schema": schema } } }))
}

/// The status of success with its words; of an answer that chooses it itself no more than that it is one.
fn said(declared: u16, own_status: bool) -> (String, &'static str) {
    if own_status {
        (ANY_SUCCESS.to_owned(), "Success. The route itself says with which status.")
    } else {
        (declared.to_string(), reason(declared))
    }
}

/// The words that the protocol has for the status.
fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Success")
}

/// The answers that operations share.
pub(super) fn shared() -> Value {
    let before = std::iter::once(BAD_REQUEST).chain(OF_BODY).map(|(_, name, description)| (name, description));
    let described = before.chain([(PROBLEM_SCHEMA, "What went wrong.")]);
    let answer = |description: &str| {
        let schema = json!({ "$ref": format!("#/components/schemas/{PROBLEM_SCHEMA}") });
        json!({ "description": description, "content": { PROBLEM: { "schema": schema } } })
    };
    described.map(|(name, description)| (name.to_owned(), answer(description))).collect::<Map<_, _>>().into()
}

/// The schema of problems.
pub(super) fn problem() -> Value {
    let text = |about: &str| json!({ "type": "string", "description": about });
    json!({
        "type": "object",
        "description": "What went wrong, RFC 9457. An error may have members of its own beside these.",
        "required": ["type", "title", "status"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "Identifies the kind of problem.", "default": "about:blank" },
            "title": text("The kind of problem, in short."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599, "description": "The status of the answer." },
            "detail": text("What happened, for a person."),
            "instance": { "type": "string", "format": "uri-reference", "description": "Identifies the very occurrence." },
            "code": text("A stable name, by which programs can tell cases apart."),
        },
        "additionalProperties": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_status_is_promised_for_an_answer_that_chooses_it() {
        assert_eq!(said(201, false), ("201".to_owned(), "Created"));
        assert_eq!(said(201, true).0, "2XX");
    }
}
