//! What is written and printed.

use super::project::{Project, text};
use crate::output::{instructions, write_changed};

fn billing() -> Project {
    Project::lib(
        "#[event(name = \"orders.placed\", version = 1, topic = \"orders\")] pub struct Placed;\n\
         #[event(name = \"billing.paid\", version = 1, topic = \"billing\", broker = \"audit\")] pub struct Paid;\n\
         #[query(name = \"billing.get\", version = 1, owner = \"billing\", reply = u8)] pub struct Get;\n\
         #[service(name = \"billing\", version = \"1.2.0\", tags(\"eu\"), subscribe(\"orders\", ordered))] pub struct Billing { paid: Publisher<Paid> }\n\
         #[service] impl Billing {\n\
         #[event_handler] async fn on_placed(&self, event: Placed) {}\n\
         #[query] async fn get(&self, query: Get) -> Result<u8, comms::Failure> { todo!() }\n\
         #[get(\"/invoices/{id}\")] async fn find(&self, id: u8, #[header(\"x-tenant\")] tenant: String) -> u8 { id }\n\
         #[post(\"/invoices\", status = 201)] #[cfg(feature = \"new\")] async fn issue(&self, invoice: u8) {}\n\
         }\n\
         #[provider] pub async fn pool() -> u8 { 1 }\n\
         #[event_handler(publishes(Placed))] pub async fn on_paid(event: Paid, pool: u8) {}",
    )
}

/// The generated file is for people too: it is compared as a whole. `UPDATE_GOLDEN=1` accepts what it is now.
#[test]
fn the_wiring_reads_like_written_by_hand() {
    let generated = billing().generate();
    let wiring = text(&generated, "lib.rs");
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/golden/wiring.rs.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, wiring).expect("the golden file can be written");
    }
    assert_eq!(wiring, std::fs::read_to_string(golden).expect("the golden file"));
}

#[test]
fn the_topology_says_who_publishes_handles_and_answers_what() {
    let generated = billing().generate();
    let topology: serde_json::Value = serde_json::from_str(text(&generated, "lib.topology.json")).expect("JSON");
    let service = &topology["services"][0];
    assert_eq!(topology["package"], "shop");
    assert_eq!(service["location"], "src/lib.rs:5");
    assert_eq!(service["tags"][0], "eu");
    assert_eq!(service["publishes"], serde_json::json!(["billing.paid", "orders.placed"]));
    let topics: Vec<&serde_json::Value> = service["subscriptions"].as_array().expect("a list").iter().map(|it| &it["topic"]).collect();
    assert_eq!(topics, ["orders", "queries.billing", "billing"]);
    assert_eq!(service["subscriptions"][2]["broker"], "audit");
    assert_eq!(service["handlers"][1]["kind"], "query");
    assert_eq!(
        service["routes"][0],
        serde_json::json!({ "name": "find", "method": "GET", "path": "/invoices/{id}", "location": "src/lib.rs:9" })
    );
    assert_eq!(service["routes"][1]["method"], "POST");
    assert_eq!(topology["messages"][2]["owner"], "billing");
    assert_eq!(topology["messages"][0]["rust_path"], "crate::Placed");
}

/// Each line is the heading, a node or an edge, and edges join nodes that are declared.
#[test]
fn the_graph_is_a_mermaid_flowchart() {
    let generated = billing().generate();
    let graph = text(&generated, "lib.topology.mmd");
    let mut lines = graph.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    let (edges, nodes): (Vec<&str>, Vec<&str>) = lines.map(str::trim).partition(|line| line.contains("->"));
    let ids: Vec<&str> = nodes.iter().map(|line| line.split(['[', '(']).next().expect("an id")).collect();
    assert!(nodes.iter().all(|line| line.ends_with("\"]") || line.ends_with(")]") || line.ends_with("])")), "{graph}");
    for edge in &edges {
        let words: Vec<&str> = edge.split(' ').collect();
        assert!(ids.contains(&words[0]) && ids.contains(&words[words.len() - 1]), "{edge}\n{graph}");
        assert_eq!(edge.matches('"').count(), 2, "{edge}");
    }
    assert_eq!((nodes.len(), edges.len()), (5, 6), "{graph}");
    assert!(graph.contains("-.->|\"GET /invoices/{id}<br>POST /invoices\"|"), "{graph}");
    assert!(graph.contains("billing @ audit"), "{graph}");
}

#[test]
fn cargo_is_told_everything_in_single_lines() {
    let project = Project::lib(
        "#[service(name = \"a\", version = \"1.0.0\")] pub struct A;\n#[service(name = \"a\", version = \"1.0.0\")] pub struct B;",
    );
    let told = instructions(&project.generate());
    assert!(told.lines().all(|line| line.starts_with("cargo::")), "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("cargo::error=src/lib.rs:3: two services")).count(), 1, "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("cargo::rustc-env=COMMS_INDEX=lib:shop=")).count(), 1, "{told}");
}

#[test]
fn a_file_is_written_only_when_its_text_changed() {
    let project = Project::new();
    let path = project.path().join("out/comms/lib.rs");
    write_changed(&path, "one").expect("written");
    let first = std::fs::metadata(&path).expect("there").modified().expect("a time");
    let past = first - std::time::Duration::from_secs(100);
    std::fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(past)).expect("set back");
    write_changed(&path, "one").expect("left alone");
    assert_eq!(std::fs::metadata(&path).expect("there").modified().expect("a time"), past);
    write_changed(&path, "two").expect("written");
    assert_eq!(std::fs::read_to_string(&path).expect("readable"), "two");
}
