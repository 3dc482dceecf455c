//! What is printed, and served.

use serde_json::{Value, json};

use crate::shelf::{Shelf, command, fetch, sample, shelf};

fn printed(arguments: &[&str]) -> String {
    let output = command(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("it is text")
}

fn document() -> Value {
    serde_json::from_str(&printed(&["openapi"])).expect("it is JSON")
}

#[test]
fn the_document_that_the_tools_check_is_the_one_that_is_printed() {
    let printed = printed(&["openapi"]);
    if std::env::var_os("COMMS_BLESS").is_some() {
        std::fs::write(sample(), &printed).expect("it can be written");
    }
    let expected = std::fs::read_to_string(sample()).unwrap_or_default();
    assert!(printed == expected, "the document has changed; look at it, then write it with COMMS_BLESS=1:\n{printed}");
}

#[test]
fn the_admin_port_serves_what_is_printed() {
    let shelf = Shelf::start();
    assert_eq!(fetch(&shelf.admin, "/openapi.json"), printed(&["openapi"]));
    assert_eq!(fetch(&shelf.admin, "/asyncapi.json"), printed(&["asyncapi"]));
}

#[test]
fn an_operation_says_what_its_method_says() {
    let document = document();
    let list = &document["paths"]["/books"]["get"];
    assert_eq!((&list["operationId"], &list["tags"]), (&json!("books.list"), &json!(["books"])));
    assert_eq!(list["summary"], "Finds books.");
    assert_eq!(list["description"], "Finds books.\n\nIn the order of their numbers.");
    assert_eq!(list["parameters"][0]["schema"]["$ref"], "#/components/schemas/Genre");
    assert_eq!(list["parameters"][2]["schema"]["type"], "array");
    let required =
        |parameters: &Value| parameters.as_array().into_iter().flatten().map(|found| found["required"] == true).collect::<Vec<_>>();
    assert_eq!(required(&list["parameters"]), [false, false, false, false]);
    let note = &document["paths"]["/desk/movements"]["post"];
    assert_eq!(required(&note["parameters"]), [true]);
    assert_eq!(note["requestBody"]["required"], true);
    assert_eq!(document["paths"]["/books/{id}"]["patch"]["requestBody"]["required"], false);
}

#[test]
fn a_body_has_its_limit_and_an_answer_its_status() {
    let document = document();
    let add = &document["paths"]["/books"]["post"];
    assert_eq!(add["requestBody"]["description"], "At most 16 KiB.");
    assert_eq!(add["responses"]["201"]["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Book");
    let statuses =
        |operation: &Value| operation["responses"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(statuses(add), ["201", "400", "408", "413", "415", "422", "default"]);
    let remove = &document["paths"]["/books/{id}"]["delete"];
    assert_eq!(remove["responses"]["204"], json!({ "description": "No Content" }));
    assert_eq!(document["paths"]["/desk/movements"]["post"]["responses"]["202"], json!({ "description": "Accepted" }));
    assert_eq!(statuses(&document["paths"]["/desk/lamp"]["get"]), ["2XX", "default"]);
    assert!(document["paths"]["/desk/rules/{language}"]["get"]["responses"]["200"]["content"]["text/plain"].is_object());
    assert_eq!(
        document["components"]["responses"]["Problem"]["content"]["application/problem+json"]["schema"]["$ref"],
        "#/components/schemas/Problem"
    );
}

#[test]
fn the_methods_of_a_contract_say_their_media_types() {
    let document = document();
    let body = |path: &str, verb: &str| document["paths"][path][verb]["requestBody"]["content"].clone();
    assert_eq!(
        body("/media/logins", "post"),
        json!({ "application/x-www-form-urlencoded": { "schema": { "$ref": "#/components/schemas/LoginInput" } } })
    );
    assert_eq!(body("/media/pictures", "post")["multipart/form-data"]["schema"]["type"], "object");
    assert_eq!(body("/media/film", "put"), json!({ "application/octet-stream": { "schema": true } }));
    let answer = |path: &str, status: &str| document["paths"][path]["get"]["responses"][status]["content"].clone();
    assert_eq!(answer("/media/events", "200"), json!({ "text/event-stream": { "schema": { "type": "string" } } }));
    assert_eq!(answer("/media/events/{from}", "2XX"), answer("/media/events", "200"));
    assert_eq!(answer("/media/picture", "200"), json!({ "application/octet-stream": { "schema": true } }));
    assert_eq!(answer("/media/film", "2XX"), json!({ "*/*": {} }));
    let login = &document["paths"]["/media/logins"]["post"];
    assert_eq!(
        (&login["operationId"], login["responses"]["2XX"]["content"]["application/json"].is_object()),
        (&json!("studio.login"), true)
    );
    assert_eq!(
        document["paths"]["/media/pictures"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]["type"],
        "integer"
    );
}

#[test]
fn what_can_not_be_said_is_noted_or_left_out() {
    let document = document();
    let file = &document["paths"]["/desk/files/{path}"]["get"]["parameters"][0];
    assert!(file["description"].as_str().is_some_and(|text| text.contains("with its slashes")), "{file}");
    assert_eq!(
        document["paths"]["/desk/rules/{language}"]["get"]["parameters"].as_array().map(Vec::len),
        Some(1),
        "extractors are no parameters"
    );
    assert_eq!(document["paths"]["/desk/notes/{id}"]["post"]["requestBody"]["content"]["application/json"]["schema"], true);
    assert!(document.get("servers").is_none());
}

#[test]
fn the_server_is_the_one_that_is_configured() {
    let output = shelf().arg("openapi").env("COMMS__HTTP__PUBLIC_URL", "https://library.example").output().expect("the binary runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(document["servers"], json!([{ "url": "https://library.example" }]));
}

#[test]
fn types_without_a_schema_are_hinted_at() {
    let output = command(&["check", "--offline"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "a hint is no problem: {text}");
    assert!(text.contains("hint     openapi: `shelf::types::Note` has no JSON Schema (`POST /desk/notes/{id}`, "), "{text}");
    assert_eq!(text.matches("hint ").count(), 2, "{text}");
    let output = command(&["check", "--offline", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert!(report["findings"].as_array().is_some_and(|all| all.iter().any(|found| found["hint"].is_string())), "{report}");
}
