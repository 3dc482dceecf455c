//! What is refused, where, and with which way out.

use super::project::{Project, assert_errors, text, warnings};

const SHOP: &str = "#[service(name = \"shop\", version = \"1.0.0\")] pub struct Shop;\n";
const PLACE: &str = "#[command(name = \"shop.place\", version = 1, owner = \"shop\")] pub struct Place;\n";
const PAID: &str = "#[event(name = \"shop.paid\", version = 1, topic = \"orders\")] pub struct Paid;\n";

fn service(body: &str) -> String {
    format!("{SHOP}#[service] impl Shop {{\n{body}\n}}\n")
}

#[test]
fn a_command_without_a_handler_is_refused_at_the_message() {
    let project = Project::lib(&format!("{SHOP}{PLACE}"));
    assert_errors(
        &project,
        &[
            "src/lib.rs:3: nothing handles the command `shop.place`, which the service `shop` owns. Write `#[command] async fn ..(&self, message: Place) -> Result<.., ..>` in a `#[service] impl Shop`.",
        ],
    );
}

#[test]
fn a_handler_under_a_condition_counts_as_one() {
    let project =
        Project::lib(&format!("{PLACE}{}", service("#[cfg(unix)] #[command] async fn place(&self, c: Place) -> Result<(), E> {}")));
    assert_errors(&project, &[]);
}

#[test]
fn two_handlers_of_a_command_are_refused_at_the_second() {
    let more = "pub mod more { use comms::service; use super::*; #[service] impl Shop {\n#[command] async fn again(&self, c: Place) -> Result<(), E> {}\n} }";
    let project = Project::lib(&format!("{PLACE}{}{more}", service("#[command] async fn place(&self, c: Place) -> Result<(), E> {}")));
    assert_errors(
        &project,
        &[
            "src/lib.rs:8: the command `shop.place` has two handlers: `Shop::again` here and `Shop::place` at src/lib.rs:5. A command gets one answer",
        ],
    );
}

#[test]
fn a_second_handler_is_seen_through_an_alias_a_glob_and_a_contract_crate() {
    let contracts = Project::new()
        .file("Cargo.toml", "[package]\nname = \"the-contracts\"\n")
        .file("src/lib.rs", "mod inner { use comms::command; #[command(name = \"shop.place\", version = 1, owner = \"shop\")] pub struct Place; }\npub use inner::*;");
    let uses = [
        ("use the_contracts::Place as P;", "P"),
        ("use the_contracts::*;", "Place"),
        ("type Alias = the_contracts::Place;", "Alias"),
        ("use the_contracts as c;", "c::Place"),
        ("", "::the_contracts::Place"),
        ("use super::*; mod again { pub use the_contracts::Place as Q; } use again::Q;", "Q"),
    ];
    for (import, name) in uses {
        let more = format!(
            "pub mod more {{ use comms::service; use crate::Shop; {import} #[service] impl Shop {{\n#[command] async fn again(&self, c: {name}) -> Result<(), E> {{}}\n}} }}"
        );
        let project =
            Project::lib(&format!("{}{more}", service("#[command] async fn place(&self, c: the_contracts::Place) -> Result<(), E> {}")));
        let generated = project.with(crate::configure().contracts(contracts.path().join("src")));
        let errors = super::project::errors(&generated);
        assert!(errors.len() == 1 && errors[0].contains("the command `shop.place` has two handlers"), "{import} {name}: {errors:#?}");
    }
}

#[test]
fn a_command_of_a_contract_crate_needs_its_handler_in_the_owner() {
    let contracts = Project::new()
        .file("Cargo.toml", "[package]\nname = \"contracts\"\n")
        .file("src/lib.rs", "#[comms::query(name = \"shop.get\", version = 1, owner = \"shop\")] pub struct Get;");
    let generated = Project::lib(SHOP).with(crate::configure().contracts(contracts.path()));
    let errors = super::project::errors(&generated);
    assert!(errors.len() == 1 && errors[0].contains("src/lib.rs:1: nothing handles the query `shop.get`"), "{errors:#?}");
    let other = Project::lib("#[service(name = \"other\", version = \"1.0.0\")] pub struct Other;")
        .with(crate::configure().contracts(contracts.path()));
    assert_eq!(super::project::errors(&other), Vec::<String>::new());
}

#[test]
fn the_compiler_is_asked_too() {
    let project = Project::lib(&format!("{PLACE}{}", service("#[command] async fn place(&self, c: Place) -> Result<(), E> {}")));
    let generated = project.generate();
    let wiring = text(&generated, "lib.rs");
    assert!(wiring.contains("handled::<crate::Place>();"), "{wiring}");
    assert!(wiring.contains("> for Wiring {}"), "{wiring}");
    assert!(wiring.contains("::comms::__private::wiring::assert_owned::<"), "{wiring}");
}

#[test]
fn a_handler_in_another_service_than_the_owner_is_refused() {
    let other = "#[service(name = \"other\", version = \"1.0.0\")] pub struct Other;\n#[service] impl Other { #[command] async fn place(&self, c: Place) -> Result<(), E> {} }";
    let project = Project::lib(&format!("{PLACE}{other}"));
    assert_errors(
        &project,
        &[
            "src/lib.rs:4: `Other::place` handles the command `shop.place` in the service `other`, but the message says that `shop` owns it. Move the handler to `shop`, or change `owner` at src/lib.rs:2.",
        ],
    );
}

#[test]
fn subscriptions_with_groups_of_their_own_are_fine() {
    let project = Project::lib(&format!(
        "{PAID}#[service(name = \"shop\", version = \"1.0.0\", subscribe(\"orders\"), subscribe(\"orders\", group = \"audit\"))] pub struct Shop;\n\
         #[service] impl Shop {{ #[event_handler] async fn on(&self, e: Paid) {{}} #[event_handler(group = \"audit\")] async fn audit(&self, e: Paid) {{}} }}"
    ));
    assert_errors(&project, &[]);
}

#[test]
fn a_declared_subscription_that_feeds_nothing_is_refused() {
    let project = Project::lib("#[service(name = \"shop\", version = \"1.0.0\", subscribe(\"orders\"))] pub struct Shop;");
    assert_errors(
        &project,
        &["src/lib.rs:2: the service `shop` subscribes to `orders` in the group `shop`, but none of its handlers is fed by that"],
    );
}

#[test]
fn batches_have_no_order_and_no_layers() {
    let body = "#[event_handler(batch(max = 5))] async fn on(&self, batch: comms::Batch<Paid>) {}";
    assert_errors(&Project::lib(&format!("{PAID}{}", service(body))), &[]);
    let wired = Project::lib(&format!("{PAID}{}", service(body))).generate();
    assert!(text(&wired, "lib.rs").contains(".batch_handler::<"), "{}", text(&wired, "lib.rs"));
    let strict = format!(
        "{PAID}#[service(name = \"shop\", version = \"1.0.0\", layers(Audit), subscribe(\"orders\", ordered))] pub struct Shop;\n#[service] impl Shop {{\n{body}\n}}"
    );
    assert_errors(
        &Project::lib(&strict),
        &[
            "src/lib.rs:5: `Shop::on` takes batches, and the layers of `shop` run around single messages",
            "src/lib.rs:5: `Shop::on` takes batches, and the subscription of `shop` to `orders` is ordered",
        ],
    );
}

#[test]
fn two_handlers_of_one_event_in_one_group_are_refused() {
    let free = "#[event_handler]\npub async fn second(e: Paid) {}";
    let project = Project::lib(&format!("{PAID}{}{free}", service("#[event_handler] async fn on(&self, e: Paid) {}")));
    assert_errors(&project, &["src/lib.rs:8: the service `shop` handles `shop.paid` twice: `second` here and `Shop::on` at src/lib.rs:5"]);
}

#[test]
fn two_handlers_of_a_type_that_cannot_be_followed_are_left_to_the_compiler() {
    let free = "#[event_handler] pub async fn second(e: foreign::Paid) {}";
    let project = Project::lib(&format!("{PAID}{}{free}", service("#[event_handler] async fn on(&self, e: Paid) {}")));
    assert_errors(&project, &[]);
    assert!(text(&project.generate(), "lib.rs").contains("assert_distinct"));
}

#[test]
fn what_the_crate_root_cannot_reach_is_refused_with_the_fix() {
    let project = Project::lib(&format!("{SHOP}mod a;"))
        .file("src/a.rs", "use comms::event_handler;\n#[event_handler]\npub async fn seen(e: x::Paid) {}\n#[event_handler]\nasync fn private(e: x::Paid) {}\nmod b;")
        .file("src/a/b.rs", "use comms::event_handler;\n#[event_handler]\npub async fn hidden(e: x::Paid) {}");
    assert_errors(
        &project,
        &[
            "src/a.rs:5: `private` is private, so that the wiring in the crate root can't reach it. Write `pub(crate) async fn private`.",
            "src/a/b.rs:3: `hidden` can't be reached from the crate root, where the wiring stands: `mod b` at src/a.rs:6 is private. Write `pub(crate) mod b`.",
        ],
    );
}

#[test]
fn a_private_service_outside_of_the_root_is_refused_with_the_fix() {
    let project = Project::lib("mod a { use comms::service;\n#[service(name = \"s\", version = \"1.0.0\")] struct S; }");
    assert_errors(
        &project,
        &["src/lib.rs:3: `S` is private, so that the wiring in the crate root can't reach it. Write `pub(crate) struct S`."],
    );
}

#[test]
fn a_wire_name_belongs_to_one_type() {
    let project = Project::lib(&format!(
        "{PAID}#[event(name = \"shop.paid\", version = 1, topic = \"other\")] pub struct PaidToo;\n#[event(name = \"shop.paid\", version = 2, topic = \"orders\")] pub struct PaidTwo;"
    ));
    assert_errors(
        &project,
        &["src/lib.rs:3: `shop.paid` version 1 is the wire name of two types: `PaidToo` here and `Paid` at src/lib.rs:2"],
    );
}

#[test]
fn alternatives_under_conditions_are_not_double() {
    let project = Project::lib(
        "#[cfg(unix)] #[event(name = \"a\", version = 1, topic = \"t\")] pub struct A;\n#[cfg(not(unix))] #[event(name = \"a\", version = 1, topic = \"t\")] pub struct B;",
    );
    assert_errors(&project, &[]);
}

#[test]
fn a_free_handler_needs_a_service_that_exists() {
    let handler = "#[event_handler(service = \"shpo\")] pub async fn on(e: x::Paid) {}";
    assert_errors(
        &Project::lib(&format!("{SHOP}{handler}")),
        &["src/lib.rs:3: `on` belongs to the service `shpo`, which this crate does not have. Did you mean `shop`?"],
    );
    let handler = "#[event_handler] pub async fn on(e: x::Paid) {}";
    assert_errors(&Project::lib(handler), &["src/lib.rs:2: `on` is a handler, but this crate has no service"]);
    let two = format!("{SHOP}#[service(name = \"other\", version = \"1.0.0\")] pub struct Other;\n{handler}");
    assert_errors(
        &Project::lib(&two),
        &["src/lib.rs:4: `on` does not say which of the services of this crate it belongs to. Write `#[event_handler(service = \"..\")]`"],
    );
}

#[test]
fn two_services_of_one_name_are_refused() {
    let project = Project::lib(&format!("{SHOP}#[service(name = \"shop\", version = \"1.0.0\")] pub struct Other;"));
    assert_errors(&project, &["src/lib.rs:3: two services are named `shop`: `Other` here and `Shop` at src/lib.rs:2"]);
}

#[test]
fn annotated_items_in_a_root_without_wiring_are_warned_of() {
    let project = Project::new().file("src/lib.rs", &format!("{}\n{SHOP}", super::project::PRELUDE));
    let warnings = warnings(&project.generate());
    assert!(warnings.len() == 1 && warnings[0].contains("src/lib.rs:2: `Shop` is annotated, but nothing is generated"), "{warnings:#?}");
}

#[test]
fn a_package_that_is_not_there_is_named() {
    let project = Project::lib("");
    // The second one is in a package, which is not the one that is missing.
    for missing in ["../nowhere/at-all", "src/nowhere"] {
        let errors = super::project::errors(&project.with(crate::configure().contracts(missing)));
        assert!(errors.len() == 1 && errors[0].contains("could not read") && errors[0].contains("no such folder"), "{errors:#?}");
    }
}

/// The ways to name a type of a crate of contracts: what stands before the impl, and the name in it.
const WAYS: [(&str, &str); 6] = [
    ("use the_contracts::Paid as P;", "P"),
    ("use the_contracts::*;", "Paid"),
    ("type Alias = the_contracts::Paid;", "Alias"),
    ("use the_contracts as c;", "c::Paid"),
    ("", "::the_contracts::Paid"),
    ("mod again { pub use the_contracts::Paid as Q; } use again::Q;", "Q"),
];

fn contracts(item: &str) -> Project {
    Project::new()
        .file("Cargo.toml", "[package]\nname = \"the-contracts\"\n")
        .file("src/lib.rs", &format!("mod inner {{ use comms::{{command, event}}; {item} }}\npub use inner::*;"))
}

#[test]
fn the_handler_of_a_command_is_found_whatever_its_message_is_called() {
    let contracts = contracts("#[command(name = \"shop.pay\", version = 1, owner = \"shop\")] pub struct Paid;");
    for (import, name) in WAYS {
        let handler = service(&format!("#[command] async fn pay(&self, c: {name}) -> Result<(), E> {{}}"));
        let with =
            |body: &str| super::project::errors(&Project::lib(body).with(crate::configure().contracts(contracts.path().join("src"))));
        assert_eq!(with(&format!("{handler}{import}")), Vec::<String>::new(), "{import} {name}");
        let errors = with(&format!("{SHOP}{import}"));
        assert!(matches!(&errors[..], [one] if one.contains("nothing handles the command `shop.pay`")), "{import}: {errors:#?}");
    }
}

#[test]
fn two_handlers_of_an_event_in_one_group_are_seen_whatever_it_is_called() {
    let contracts = contracts("#[event(name = \"shop.paid\", version = 1, topic = \"orders\")] pub struct Paid;");
    for (import, name) in WAYS {
        let handlers = service(&format!(
            "#[event_handler] async fn one(&self, e: the_contracts::Paid) {{}}\n#[event_handler] async fn two(&self, e: {name}) {{}}"
        ));
        let generated = Project::lib(&format!("{handlers}{import}")).with(crate::configure().contracts(contracts.path().join("src")));
        let errors = super::project::errors(&generated);
        assert!(
            matches!(&errors[..], [one] if one.starts_with("src/lib.rs:5: ") && one.contains("handles `shop.paid` twice")),
            "{import} {name}: {errors:#?}"
        );
    }
}

#[test]
fn a_handler_that_several_subscriptions_could_feed_says_which() {
    let two = "subscribe(\"orders\", group = \"a\"), subscribe(\"orders\", group = \"b\")";
    let fed = |handler: &str| {
        let shop = format!("#[service(name = \"shop\", version = \"1.0.0\", {two})] pub struct Shop;\n");
        Project::lib(&format!("{PAID}{shop}#[service] impl Shop {{\n{handler} async fn on(&self, e: Paid) {{}}\n}}\n")).errors()
    };
    let ambiguous = "src/lib.rs:5: `Shop::on` could be fed by several subscriptions of `shop` to `orders`. Say which: `#[event_handler(group = \"..\")]`. ";
    let found = fed("#[event_handler]");
    assert!(found.iter().any(|it| it.starts_with(ambiguous) && it.contains("`a`") && it.contains("`b`")), "{found:#?}");
    let found = fed("#[event_handler(group = \"a\")]");
    assert!(!found.iter().any(|it| it.contains("several subscriptions")), "{found:#?}");
}
