//! `openapi`: the OpenAPI 3.1 document (<https://spec.openapis.org/oas/v3.1.1.html>).
//!
//! It is made of the declarations that the routes themselves run by.

mod operation;
mod responses;
mod schemas;

use serde_json::{Map, Value, json};

use super::document::describe_service;
use crate::app::model::{AppModel, RouteModel, ServiceModel};
use crate::config::Config;
use schemas::Schemas;

/// The document.
pub(in crate::app) fn document(model: &AppModel, config: &Config) -> Value {
    let services: Vec<&ServiceModel> = model.services.iter().filter(|service| !service.routes.is_empty()).collect();
    let schemas = Schemas::of(&model.definitions);
    let paths = paths(&services, &schemas);
    let mut document = json!({
        "openapi": "3.1.1",
        "info": info(model, &services),
        "tags": services.iter().map(|service| tag(service)).collect::<Vec<_>>(),
        "paths": paths,
        "components": { "schemas": schemas.into_components(), "responses": responses::shared() },
    });
    if let Some(url) = &config.http.public_url {
        document["servers"] = json!([{ "url": url }]);
    }
    document
}

fn info(model: &AppModel, services: &[&ServiceModel]) -> Value {
    let title = if let [service] = services { &service.name } else { &model.name };
    let version = services.first().map_or("0.0.0", |service| service.version.as_str());
    let mut info = json!({ "title": title, "version": version });
    let description = match services {
        [service] => service.doc.clone(),
        services => services.iter().map(|service| describe_service(service)).collect::<Vec<_>>().join("\n"),
    };
    if !description.is_empty() {
        info["description"] = json!(description);
    }
    info
}

fn tag(service: &ServiceModel) -> Value {
    let mut tag = json!({ "name": service.name });
    if !service.doc.is_empty() {
        tag["description"] = json!(service.doc);
    }
    tag
}

fn paths(services: &[&ServiceModel], schemas: &Schemas) -> Map<String, Value> {
    let (mut paths, mut ids) = (Map::new(), Vec::new());
    for (service, route) in services.iter().flat_map(|service| service.routes.iter().map(move |route| (service, route))) {
        let path = paths.entry(template(&route.path)).or_insert_with(|| json!({}));
        path[route.verb.to_ascii_lowercase()] = operation::operation(service, route, id(service, route, &mut ids), schemas);
    }
    paths
}

/// The path as OpenAPI writes it, which has no name for the rest of a path.
fn template(path: &str) -> String {
    path.replace("{*", "{")
}

/// The method of the service. A service that implements a contract may have two methods of one name.
fn id(service: &ServiceModel, route: &RouteModel, taken: &mut Vec<String>) -> String {
    let name = format!("{}.{}", service.name, route.name);
    let numbered = (2..).map(|number| format!("{name}.{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|id| !taken.contains(id)).unwrap_or_default();
    taken.push(free.clone());
    free
}
