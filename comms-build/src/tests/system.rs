//! Checks across the crates of a system.

use super::project::{Project, errors, text, warnings};
use crate::configure;

const CONTRACTS: &str = "#[comms::event(name = \"paid\", version = 1, topic = \"orders\")] pub struct Paid;\n\
                         #[comms::command(name = \"pay\", version = 1, owner = \"billing\")] pub struct Pay;\n";

fn package(name: &str, text: &str) -> Project {
    Project::new()
        .file("Cargo.toml", &format!("[package]\nname = \"{name}\"\n"))
        .file("src/lib.rs", &format!("{}\nuse contracts::*;\n{text}\ncomms::wiring!();", super::project::PRELUDE))
}

fn contracts() -> Project {
    Project::new().file("Cargo.toml", "[package]\nname = \"contracts\"\n").file("src/lib.rs", CONTRACTS)
}

const BILLING: &str = "#[service(name = \"billing\", version = \"1.0.0\")] pub struct Billing { paid: Publisher<Paid> }\n\
                       #[service] impl Billing { #[command] async fn pay(&self, c: Pay) -> Result<(), E> {} }";
const MAIL: &str = "#[service(name = \"mail\", version = \"1.0.0\")] pub struct Mail;\n\
                    #[service] impl Mail { #[event_handler] async fn on(&self, e: Paid) {} }";

#[test]
fn a_system_in_which_everything_meets_is_fine() {
    let (contracts, billing, mail) = (contracts(), package("billing", BILLING), package("mail", MAIL));
    let aggregator = Project::new().file("src/main.rs", "comms::main!(billing, mail);");
    let generated = aggregator.with(configure().contracts(contracts.path()).system([billing.path(), mail.path()]).strict());
    assert_eq!(errors(&generated), Vec::<String>::new());
    assert!(text(&generated, "system.topology.json").contains("\"billing\""));
    let graph = text(&generated, "system.topology.mmd");
    assert!(graph.contains("|\"paid\"|"), "{graph}");
}

#[test]
fn an_event_that_nobody_publishes_or_handles_is_a_warning_and_under_strict_an_error() {
    let (contracts, mail, idle) = (contracts(), package("mail", MAIL), package("billing", BILLING));
    let aggregator = Project::new();
    let request = || configure().contracts(contracts.path()).external(["pay"]);
    let generated = aggregator.with(request().system([mail.path()]));
    assert!(
        matches!(&warnings(&generated)[..], [one] if one.contains("no service of the system publishes the event `paid`")),
        "{generated:?}"
    );
    let generated = aggregator.with(request().system([idle.path()]));
    assert!(
        matches!(&warnings(&generated)[..], [one] if one.contains("no service of the system handles the event `paid`")),
        "{generated:?}"
    );
    let generated = aggregator.with(request().system([idle.path()]).strict());
    assert!(matches!(&errors(&generated)[..], [one] if one.contains("no service of the system handles the event `paid`")), "{generated:?}");
    let generated = aggregator.with(request().system([idle.path()]).strict().external(["paid"]));
    assert_eq!(errors(&generated), Vec::<String>::new());
}

#[test]
fn a_command_whose_owner_is_missing_or_idle_is_refused() {
    let (contracts, mail) = (contracts(), package("mail", MAIL));
    let generated = Project::new().with(configure().contracts(contracts.path()).system([mail.path()]));
    let found = errors(&generated);
    assert!(
        matches!(&found[..], [one] if one.contains("the command `pay` is owned by `billing`, which is no service of the system")),
        "{found:?}"
    );
    let idle = package("billing", "#[service(name = \"billing\", version = \"1.0.0\")] pub struct Billing { paid: Publisher<Paid> }");
    let generated = Project::new().with(configure().contracts(contracts.path()).system([mail.path(), idle.path()]));
    let found = errors(&generated);
    assert!(matches!(&found[..], [one] if one.contains("the service `billing` owns the command `pay`, but has no handler")), "{found:?}");
}

#[test]
fn two_types_of_one_wire_name_in_two_crates_are_refused() {
    let event = "#[event(name = \"paid\", version = 1, topic = \"orders\")] pub struct Paid;";
    let (left, right) = (package("left", event), package("right", event));
    let generated = Project::new().with(configure().system([left.path(), right.path()]).external(["paid"]));
    let found = errors(&generated);
    assert!(matches!(&found[..], [one] if one.contains("`paid` version 1 is the wire name of two types")), "{found:?}");
}

#[test]
fn a_crate_that_is_given_twice_is_one_crate() {
    let (contracts, billing, mail) = (contracts(), package("billing", BILLING), package("mail", MAIL));
    let folders = [contracts.path(), billing.path(), mail.path()];
    let generated = Project::new().with(configure().contracts(contracts.path().join("src")).system(folders).strict());
    assert_eq!(errors(&generated), Vec::<String>::new());
}

#[test]
fn what_a_provider_takes_to_publish_is_published() {
    let loader = "pub struct Load; #[provider] pub async fn load(paid: Publisher<Paid>) -> Load { Load }";
    let (contracts, mail, loader) = (contracts(), package("mail", MAIL), package("loader", loader));
    let generated = Project::new().with(configure().system([contracts.path(), mail.path(), loader.path()]).external(["pay"]).strict());
    assert_eq!(errors(&generated), Vec::<String>::new());
}

#[test]
fn what_is_published_and_handled_is_seen_whatever_it_is_called() {
    let contracts = contracts();
    let ways = [
        ("use contracts::Paid as P;", "P"),
        ("type Alias = contracts::Paid;", "Alias"),
        ("use contracts as c;", "c::Paid"),
        ("", "::contracts::Paid"),
        ("mod again { pub use contracts::Paid as Q; } use again::Q;", "Q"),
    ];
    for (import, name) in ways {
        let billing = package(
            "billing",
            &format!(
                "{import} #[service(name = \"billing\", version = \"1.0.0\")] pub struct Billing {{ paid: comms::Publisher<{name}> }}"
            ),
        );
        let mail = package(
            "mail",
            &format!(
                "{import} #[service(name = \"mail\", version = \"1.0.0\")] pub struct Mail;\n#[service] impl Mail {{ #[event_handler] async fn on(&self, e: {name}) {{}} }}"
            ),
        );
        let of = |folders: Vec<&Project>| {
            let folders: Vec<_> = folders.into_iter().map(Project::path).collect();
            errors(&Project::new().with(configure().contracts(contracts.path()).external(["pay"]).system(folders).strict()))
        };
        assert_eq!(of(vec![&billing, &mail]), Vec::<String>::new(), "{import} {name}");
        assert!(of(vec![&mail])[0].contains("no service of the system publishes the event `paid`"), "{import} {name}");
        assert!(of(vec![&billing])[0].contains("no service of the system handles the event `paid`"), "{import} {name}");
    }
}
