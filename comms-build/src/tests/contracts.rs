//! Contracts, what implements them, and clients: what is wired, drawn and refused.

use super::project::{PRELUDE, Project, assert_errors, errors, text, warnings};
use crate::configure;

const PAYMENTS: &str = "#[service(name = \"payments\", version = \"1.0.0\")] pub trait Payments {\n#[get(\"/charges/{id}\")] async fn find(&self, id: u64) -> u64;\n}\n";
const BANK: &str = "#[service(name = \"bank\", version = \"1.0.0\")] pub struct Bank;\n#[service] impl Payments for Bank { async fn find(&self, id: u64) -> u64 { id } }\n";
const SHOP: &str = "#[comms::client(http = Payments)] pub struct PaymentApi;\n#[service(name = \"shop\", version = \"1.0.0\")] pub struct Shop { payments: PaymentApi }\n";
const PROVIDER: &str = "#[comms::client(url = \"https://api.pay.example\", name = \"provider\")] pub trait Provider {\n#[get(\"/ping\")] async fn ping(&self);\n}\n";

fn json(generated: &crate::Generated, name: &str) -> serde_json::Value {
    serde_json::from_str(text(generated, name)).expect("JSON")
}

fn package(name: &str, text: &str) -> Project {
    Project::new()
        .file("Cargo.toml", &format!("[package]\nname = \"{name}\"\n"))
        .file("src/lib.rs", &format!("{PRELUDE}\n{text}\ncomms::wiring!();"))
}

#[test]
fn contracts_implementations_and_clients_are_wired_and_provided() {
    let project = Project::lib(&format!(
        "{PAYMENTS}{BANK}{SHOP}pub mod api {{ use comms::{{client as typed, get}};\n#[typed(url = \"https://api.pay.example\")] #[cfg(unix)] pub trait Provider {{ #[get(\"/ping\")] async fn ping(&self); }} }}"
    ));
    let generated = project.generate();
    assert_eq!((errors(&generated), warnings(&generated)), (Vec::new(), Vec::new()));
    let wiring = text(&generated, "lib.rs");
    for line in [
        "let app = app.implementation::<crate::__comms_Bank_Payments>();",
        "let app = app.client::<crate::PaymentApi>();",
        "#[cfg(unix)]\n        let app = app.client::<crate::api::ProviderClient>();",
        "impl ::comms::Provides<crate::PaymentApi> for Wiring {}",
        "impl ::comms::Provides<crate::api::ProviderClient> for Wiring {}",
    ] {
        assert!(wiring.contains(line), "{line}: {wiring}");
    }
    // The contract, the bank, its implementation, the client, the shop, the foreign API.
    assert_eq!(generated.index.len(), "lib:shop=;".len() + 6 * 16, "{}", generated.index);
}

#[test]
fn the_topology_says_who_implements_and_calls_what() {
    let generated = Project::lib(&format!(
        "{PAYMENTS}{BANK}{SHOP}{PROVIDER}\n#[service(name = \"till\", version = \"1.0.0\")] pub struct Till {{ provider: ProviderClient }}"
    ))
    .generate();
    let topology = json(&generated, "lib.topology.json");
    assert_eq!(
        topology["contracts"][0],
        serde_json::json!({
            "name": "payments", "version": "1.0.0", "rust_path": "crate::Payments", "location": "src/lib.rs:2",
            "methods": [{ "name": "find", "method": "GET", "path": "/charges/{id}", "location": "src/lib.rs:3" }]
        })
    );
    assert_eq!(
        topology["services"][0]["implements"][0],
        serde_json::json!({ "contract": "payments", "routes": ["GET /charges/{id}"], "location": "src/lib.rs:6" })
    );
    assert_eq!((&topology["services"][1]["calls"][0], &topology["services"][2]["calls"][0]), (&"payment-api".into(), &"provider".into()));
    let client = &topology["clients"][0];
    assert_eq!((&client["contract"], &client["implemented_by"][0], &client["kind"]), (&"payments".into(), &"bank".into(), &"http".into()));
    assert_eq!(topology["clients"][1]["url"], "https://api.pay.example");
    let graph = text(&generated, "lib.topology.mmd");
    assert!(graph.contains("-.->|\"payments (http)\"|") && graph.contains("([\"https://api.pay.example\"])"), "{graph}");
}

#[test]
fn routes_of_a_contract_and_of_a_service_must_not_answer_one_request() {
    let other = "#[service] impl Bank {\n#[get(\"/charges/{charge}\")] async fn again(&self, charge: u64) -> u64 { charge }\n}\n";
    assert_errors(
        &Project::lib(&format!("{PAYMENTS}{BANK}{other}")),
        &[
            "src/lib.rs:6: `GET /charges/{id}` of `Bank::Payments::find` and `GET /charges/{charge}` of `Bank::again` at src/lib.rs:8 answer the same requests",
        ],
    );
}

#[test]
fn what_is_no_contract_is_told_at_its_place() {
    let shop = "#[service(name = \"shop\", version = \"1.0.0\")] pub struct Shop;\npub trait Plain { }\n";
    let project = Project::lib(&format!(
        "{shop}#[service] impl Plain for Shop {{}}\n#[service] impl Clone for Shop {{}}\n#[service] impl std::fmt::Debug for Shop {{}}\n#[comms::client(http = Plain)] pub struct Api;"
    ));
    assert_errors(
        &project,
        &[
            "src/lib.rs:4: this implements `Plain`, which is no contract. A contract is a trait under `#[service(",
            "src/lib.rs:6: this implements `std::fmt::Debug`, which is no contract",
            "src/lib.rs:7: this calls `Plain`, which is no contract",
        ],
    );
}

#[test]
fn what_is_said_of_a_method_of_a_contract_is_said_in_its_trait() {
    let bank = "#[service(name = \"bank\", version = \"1.0.0\")] pub struct Bank;\n#[service] impl Payments for Bank {\n\n#[comms::rpc(timeout = \"2s\")]\nasync fn find(&self, id: u64) -> u64 { id } }\n";
    assert_errors(
        &Project::lib(&format!("{PAYMENTS}{bank}")),
        &[
            "src/lib.rs:8: #[rpc] on `find`, which answers HTTP requests: `payments` is no gRPC service. Say it on the route of the method, in the trait",
        ],
    );
}

#[test]
fn two_clients_of_one_name_are_refused_at_the_second() {
    assert_errors(
        &Project::lib(&format!("{PAYMENTS}{PROVIDER}#[comms::client(http = Payments, name = \"provider\")] pub struct Api;")),
        &["src/lib.rs:8: two clients are named `provider`: `Api` here and `ProviderClient` at src/lib.rs:5. `clients.NAME` in comms.toml"],
    );
}

#[test]
fn a_contract_is_not_called_over_grpc() {
    assert_errors(
        &Project::lib(&format!("{PAYMENTS}#[comms::client(grpc = Payments)] pub struct Api;")),
        &[
            "src/lib.rs:5: the client `Api` calls `Payments` over grpc, but that is the contract `payments`, which travels over HTTP. Write `#[client(http = Payments)]`",
        ],
    );
}

#[test]
fn a_client_that_the_wiring_cannot_name_is_refused() {
    let project = Project::lib(&format!("{PAYMENTS}pub mod a {{ use comms::client;\n#[client(http = crate::Payments)] struct Api; }}"));
    assert_errors(
        &project,
        &["src/lib.rs:6: `Api` is private, so that the wiring in the crate root can't reach it. Write `pub(crate) struct Api`"],
    );
}

#[test]
fn a_client_of_what_nobody_in_the_system_implements_is_a_warning_and_under_strict_an_error() {
    let contracts = package("contracts", PAYMENTS).file("src/lib.rs", &format!("{PRELUDE}\n{PAYMENTS}"));
    let shop = package("shop-service", &format!("use contracts::Payments;\n{SHOP}"));
    let bank = package("bank-service", &format!("use contracts::Payments;\n{BANK}"));
    let request = || configure().contracts(contracts.path());
    let told = warnings(&Project::new().with(request().system([shop.path()])));
    assert!(
        matches!(&told[..], [one] if one.contains("lib.rs:3: the client `PaymentApi` calls `payments`, which no service of the system implements. Write `#[service] impl Payments for ..`")),
        "{told:?}"
    );
    assert_eq!(errors(&Project::new().with(request().system([shop.path()]).strict())).len(), 1);
    let external = Project::new().with(request().system([shop.path()]).external(["payments"]));
    assert_eq!(warnings(&external), Vec::<String>::new());
    let whole = Project::new().with(request().system([shop.path(), bank.path()]).strict());
    assert_eq!(errors(&whole), Vec::<String>::new());
    let graph = text(&whole, "system.topology.mmd");
    assert!(graph.contains("-.->|\"payments (http)\"|"), "{graph}");
}

#[test]
fn a_client_attribute_of_another_crate_is_left_alone() {
    let generated = Project::lib("mod a { use other::client; #[client(name = 5)] struct Api; #[other::client] pub trait B {} }").generate();
    assert_eq!((errors(&generated), generated.index.as_str()), (Vec::new(), "lib:shop=;"));
}

#[cfg(feature = "proto")]
mod grpc {
    use super::*;

    const INVENTORY: &str = "syntax = \"proto3\";\npackage shop.inventory.v1;\nservice Inventory { rpc Get(Empty) returns (Empty) { option idempotency_level = NO_SIDE_EFFECTS; } rpc Watch(Empty) returns (stream Empty); }\nmessage Empty {}\n";

    fn with_proto(lib: &str) -> crate::Generated {
        let project = Project::lib(&format!("pub mod proto {{ comms::proto!(); }}\n{lib}")).file("proto/inventory.proto", INVENTORY);
        project.with(configure().proto("proto/inventory.proto"))
    }

    #[test]
    fn a_service_of_a_proto_file_is_implemented_and_called() {
        let generated = with_proto(
            "use proto::shop::inventory::v1 as inv; use inv::Inventory;\n\
             #[service(name = \"inventory\", version = \"1.0.0\")] pub struct Stock;\n#[service] impl Inventory for Stock {}\n\
             #[comms::client(grpc = inv::Inventory, name = \"stock\")] pub struct Api;",
        );
        assert_eq!((errors(&generated), warnings(&generated)), (Vec::new(), Vec::new()));
        let topology = json(&generated, "lib.topology.json");
        assert_eq!(topology["services"][0]["implements"][0]["contract"], "shop.inventory.v1.Inventory");
        assert_eq!(
            topology["services"][0]["implements"][0]["rpcs"],
            serde_json::json!([
                { "name": "Get", "kind": "unary", "idempotency": "no side effects" },
                { "name": "Watch", "kind": "server streaming", "idempotency": null },
            ])
        );
        assert_eq!(topology["clients"][0]["implemented_by"][0], "inventory");
        assert!(text(&generated, "lib.rs").contains("app.implementation::<crate::__comms_Stock_Inventory>()"));
    }

    #[test]
    fn a_grpc_service_that_is_implemented_twice_in_one_process_is_refused_at_the_second() {
        let twice = |cfg: &str| {
            with_proto(&format!(
                "use proto::shop::inventory::v1::Inventory;\n\
                 #[service(name = \"inventory\", version = \"1.0.0\")] pub struct Stock;\n#[service] impl Inventory for Stock {{}}\n\
                 #[service(name = \"other\", version = \"1.0.0\")] pub struct Other;\n{cfg}#[service] impl crate::proto::shop::inventory::v1::Inventory for Other {{}}"
            ))
        };
        let found = errors(&twice(""));
        let expected = "src/lib.rs:7: `Other::crate::proto::shop::inventory::v1::Inventory` and `Stock::Inventory` at src/lib.rs:5 answer one gRPC service, `shop.inventory.v1.Inventory`. One process has one answer to it";
        assert!(found.len() == 1 && found[0].contains(expected), "{found:#?}");
        assert_eq!(errors(&twice("#[cfg(feature = \"other\")] ")), Vec::<String>::new(), "it may not be there");
        assert_eq!(errors(&twice("#[cfg(test)] ")), Vec::<String>::new(), "a test has processes of its own");
    }

    #[test]
    fn grpc_services_of_two_processes_are_no_answers_to_one_call() {
        let inventory = "pub mod proto { comms::proto!(); }\nuse proto::shop::inventory::v1::Inventory;\n#[service(name = \"NAME\", version = \"1.0.0\")] pub struct Stock;\n#[service] impl Inventory for Stock {}\n";
        let member = |name: &str| format!("{PRELUDE}\n{}\ncomms::wiring!();", inventory.replace("NAME", name));
        let system = |main: &str| {
            Project::lib("")
                .file("a/Cargo.toml", "[package]\nname = \"a\"\n")
                .file("a/src/lib.rs", &member("a"))
                .file("a/src/main.rs", if main.is_empty() { "comms::main!(a);" } else { "" })
                .file("b/Cargo.toml", "[package]\nname = \"b\"\n")
                .file("b/src/lib.rs", &member("b"))
                .file("b/src/main.rs", if main.is_empty() { "comms::main!(b);" } else { main })
                .with(configure().system(["a", "b"]))
        };
        assert_eq!(errors(&system("")), Vec::<String>::new());
        let found = errors(&system("comms::main!(a, b);"));
        assert!(found.len() == 1 && found[0].contains("answer one gRPC service, `shop.inventory.v1.Inventory`"), "{found:#?}");
    }

    #[test]
    fn methods_of_a_grpc_service_are_configured_by_their_names_in_rust() {
        let lib = "pub mod proto { comms::proto!(); }\nuse proto::shop::inventory::v1::Inventory;\n\
                   #[service(name = \"inventory\", version = \"1.0.0\")] pub struct Stock;\n\
                   #[service] impl Inventory for Stock { type Error = E; #[comms::rpc(timeout = \"2s\")] async fn get(&self, it: Empty) -> R { it } async fn watch(&self, it: Empty) -> R { it } }";
        let generated = |config: &str| {
            let project = Project::lib(lib).file("proto/inventory.proto", INVENTORY).file("comms.toml", config);
            project.with(configure().proto("proto/inventory.proto"))
        };
        let fine = "[service.inventory.handler.get]\ntimeout = \"1s\"\n[service.inventory.handler.watch]\ntimeout = \"1s\"\n";
        assert_eq!(errors(&generated(fine)), Vec::<String>::new());
        let found = errors(&generated("[service.inventory.handler.wach]\ntimeout = \"1s\"\n"));
        assert!(
            found.len() == 1 && found[0].contains("comms.toml:1: there is no handler `wach`") && found[0].contains("Did you mean `watch`?"),
            "{found:#?}"
        );
    }

    #[test]
    fn a_service_that_no_proto_file_has_is_refused_with_the_one_that_was_meant() {
        let generated = with_proto(
            "#[comms::client(grpc = proto::shop::inventory::v1::Inventry)] pub struct Api;\n#[comms::client(http = crate::proto::shop::inventory::v1::Inventory)] pub struct Other;",
        );
        let found = errors(&generated);
        assert!(
            found.len() == 2
                && found[0].contains("src/lib.rs:3: this calls `proto::shop::inventory::v1::Inventry`, but no `.proto` file of build.rs has a service `shop.inventory.v1.Inventry`. Did you mean `shop.inventory.v1.Inventory`?")
                && found[1].contains("src/lib.rs:4: the client `Other` calls `crate::proto::shop::inventory::v1::Inventory` over http, but that is the gRPC service `shop.inventory.v1.Inventory`. Write `#[client(grpc = "),
            "{found:#?}"
        );
    }
}
