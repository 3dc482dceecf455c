mod groups_tests;
mod program_tests;

use self::program_tests::Sample;
use super::*;
use crate::app::model::tests::sample;
use crate::broker::PlanItem;

fn config(text: &str) -> Config {
    Config::from_toml(text).unwrap()
}

const FAKE: &str = "[brokers.default]\nurl = \"fake://u:hunter2@h/v\"\n[brokers.audit]\nurl = \"fake://h\"\n";

fn command(arguments: &[&str], text: &str) -> Report {
    command_of(Sample::default(), arguments, text)
}

fn command_of(program: Sample, arguments: &[&str], text: &str) -> Report {
    let arguments = std::iter::once("billing").chain(arguments.iter().copied()).map(OsString::from);
    let cli = parse(arguments, "billing").unwrap();
    with_config(cli.command.unwrap_or(Command::Run), config(text), Box::new(program))
}

fn item(step: &str) -> PlanItem {
    // Only brokers make these; in tests the wire form is the way in.
    let step = match step {
        "change" => crate::broker::PlanStep::Change,
        _ => crate::broker::PlanStep::Create,
    };
    PlanItem { step, kind: "queue".into(), name: "billing.orders".into(), detail: "x-queue-type differs".into() }
}

#[test]
fn the_help_says_what_the_exit_codes_mean() {
    let help = parse(["billing", "--help"].map(OsString::from), "billing").unwrap_err().to_string();
    for expected in
        ["Usage: billing [OPTIONS] [COMMAND]", "Exit codes:", "4  a broker could not be reached", "topology", "--profile <NAME>"]
    {
        assert!(help.contains(expected), "{expected}\n not in {help}");
    }
    assert!(parse(["billing", "chekc"].map(OsString::from), "billing").unwrap_err().to_string().contains("'check'"));
}

#[test]
fn wiring_lists_everything_with_its_place() {
    let report = command(&["wiring"], "");
    for expected in [
        "billing 1.2.0  src/billing.rs:12\n",
        "  orders, group billing, broker default: 16 at once, ordered over 16 shards (after a dead letter: park-key)\n",
        "    on_order_placed  event orders.order-placed v1  8 retries (2 at once, 50ms..5m)  timeout 30s  src/billing.rs:20\n",
        "  GET /invoices/{id}  find  -> 200  timeout 5s, body up to 64 KiB  src/billing.rs:40\n",
        "  publishes orders.order-placed v1\n",
        "layers, outermost first\n  decode   payload to type\n  retry    in two levels\n  Audit    of billing\n  handler  yours\n",
        "providers\n  invoices  -> Invoices  src/billing.rs:5\n",
    ] {
        assert!(report.text.contains(expected), "{expected}\n not in\n{}", report.text);
    }
    assert_eq!(report.json["services"][0]["subscriptions"][0]["handlers"][0]["backoff_max"], "5m");
}

#[test]
fn topology_is_a_graph_for_people_and_data_for_machines() {
    let report = command(&["topology"], "");
    for expected in [
        "graph LR\n",
        "  service_billing[billing]\n",
        "  topic_commands_2e_billing([commands.billing on audit])\n",
        "  topic_orders -- \"orders.order-placed v1\" --> service_billing\n",
        "  service_billing -- \"orders.order-placed v1\" --> topic_orders\n",
    ] {
        assert!(report.text.contains(expected), "{expected}\n not in\n{}", report.text);
    }
    assert_eq!(report.json["messages"][1]["broker"], "audit");
}

#[test]
fn config_shows_where_every_value_was_set() {
    let report = command(&["config"], FAKE);
    assert!(report.text.contains("brokers.default.url = \"fake://u:***@h/v\"  # comms.toml:2:7\n"), "{}", report.text);
    assert!(report.text.contains("# default\n") && !report.text.contains("hunter2"), "{}", report.text);
}

#[test]
fn check_passes_what_is_right() {
    let report = command(&["check"], FAKE);
    assert_eq!(report.exit, Exit::Ok, "{}", report.text);
    assert!(report.text.contains("ok       wiring: 1 services, 2 handlers, 2 message types\n"), "{}", report.text);
    assert!(report.text.contains("ok       broker default: reached; nothing to declare\n"), "{}", report.text);
}

#[test]
fn check_tells_what_is_wrong_from_what_is_away() {
    let wrong = Sample { problems: vec!["nothing provides `Pool`".into()], ..Sample::default() };
    let report = command_of(wrong, &["check", "--offline"], FAKE);
    assert_eq!(report.exit, Exit::Problems);
    assert!(report.text.contains("problem  wiring: nothing provides `Pool`\n"), "{}", report.text);
    let down = "[brokers.audit]\nurl = \"down://u:hunter2@h\"\n";
    let report = command(&["check"], down);
    assert_eq!((report.exit, &report.json["ok"]), (Exit::Unreachable, &false.into()));
    assert!(report.text.contains("problem  broker audit: could not connect to down://u:***@h: refused\n"), "{}", report.text);
    let changed = Sample { plan: vec![item("change")], ..Sample::default() };
    assert_eq!(command_of(changed, &["check"], FAKE).exit, Exit::Problems);
    let error = Config::from_toml("[lgo]\n").unwrap_err();
    assert_eq!(check::wrong_config(&error).exit, Exit::Problems);
}

#[test]
fn dead_letters_are_listed_and_shown() {
    let report = command(&["dlq", "list"], FAKE);
    assert_eq!(report.exit, Exit::Ok);
    assert!(report.text.starts_with("SUBSCRIPTION"), "{}", report.text);
    assert!(
        report.text.contains(
            "billing.orders            m-1  orders.order-placed v1  o-1  failed  9         2026-01-01T00:05:00Z  no such customer\n"
        ),
        "{}",
        report.text
    );
    assert_eq!(report.json["dead_letters"][0]["provenance"]["attempts"], 9);
    assert_eq!(command(&["dlq", "list", "--key", "other"], FAKE).text, "no dead letters\n");
    let report = command(&["dlq", "show", "m-1"], FAKE);
    assert_eq!(report.json["dead_letters"][0]["payload"]["json"]["total"], 7);
    assert_eq!(command(&["dlq", "show", "m-2"], FAKE).exit, Exit::Failure);
}

#[test]
fn dead_letters_are_moved_only_when_they_were_chosen() {
    for action in ["replay", "purge"] {
        let report = command(&["dlq", action], FAKE);
        assert_eq!(report.exit, Exit::Usage);
        assert!(report.remark.contains("or `--all`"), "{}", report.remark);
    }
    let report = command(&["dlq", "replay", "--topic", "orders"], FAKE);
    assert_eq!((report.exit, report.text.as_str()), (Exit::Ok, "replayed 1\n  billing.orders  1\n"));
    let report = command(&["dlq", "purge", "--all"], FAKE);
    assert_eq!(report.json["purged"], 2);
}

#[test]
fn a_wrong_name_gets_a_suggestion() {
    let report = command(&["dlq", "list", "--service", "biling"], FAKE);
    assert_eq!(report.exit, Exit::Usage);
    assert!(report.remark.contains("there is no service `biling`; did you mean `billing`?"), "{}", report.remark);
}

#[test]
fn dead_letters_in_the_memory_of_a_process_are_out_of_reach() {
    let report = command(&["dlq", "list"], "[brokers.audit]\nurl = \"memory:\"\n");
    assert_eq!(report.exit, Exit::Unsupported);
    assert!(report.remark.contains("live in the process that runs and end with it"), "{}", report.remark);
    let report = command(&["dlq", "list"], "[brokers.audit]\nurl = \"fake://h\"\n");
    assert_eq!(report.exit, Exit::Ok);
    assert!(report.remark.contains("left out: billing.orders"), "{}", report.remark);
}

#[test]
fn one_broker_that_is_away_does_not_hide_the_other() {
    let report = command(&["dlq", "list"], "[brokers.default]\nurl = \"fake://h\"\n[brokers.audit]\nurl = \"down://h\"\n");
    assert_eq!(report.exit, Exit::Unreachable);
    assert!(report.text.contains("m-1") && report.remark.contains("error: broker audit"), "{} {}", report.text, report.remark);
    assert!(report.json["errors"][0].as_str().unwrap().contains("refused"));
}

#[test]
fn a_run_that_can_not_reach_its_broker_says_so_by_its_code() {
    let report = command(&["run"], "[log]\nfilter = \"off\"\n");
    assert_eq!((report.exit, report.remarks(false).as_str()), (Exit::Unreachable, "error: could not connect\n"));
    assert_eq!(report.result(true), "{\n  \"error\": \"could not connect\"\n}\n");
}

#[test]
fn a_wrong_configuration_ends_every_command_but_is_what_check_is_for() {
    let file = std::env::temp_dir().join(format!("comms-commands-{}.toml", std::process::id()));
    std::fs::write(&file, "[log]\nfliter = \"debug\"\n[service.biling]\n").unwrap();
    let execute = |command: &str| {
        let arguments = ["billing", command, "--config", file.to_str().unwrap()].map(OsString::from);
        execute(parse(arguments, "billing").unwrap(), &sample(), Box::new(Sample::default()))
    };
    let (config, check) = (execute("config"), execute("check"));
    std::fs::write(&file, "[service.biling]\n").unwrap();
    let names = execute("wiring");
    std::fs::remove_file(&file).unwrap();
    assert_eq!((config.exit, check.exit, names.exit), (Exit::Usage, Exit::Problems, Exit::Usage));
    assert!(config.remark.contains(".toml:2:1: `log.fliter`: unknown key") && config.text.is_empty(), "{}", config.remark);
    assert_eq!(config.json["problems"][0]["path"], "log.fliter");
    assert!(check.text.starts_with("problem  configuration: "), "{}", check.text);
    assert!(names.remark.contains("there is no service `biling`"), "{}", names.remark);
}

#[test]
fn the_document_that_the_official_parser_checks_is_the_one_that_is_printed() {
    let document = asyncapi::document(&sample(), &config(FAKE));
    let expected = include_str!("../../../../tests/asyncapi/sample.json");
    let printed = format!("{document:#}\n");
    if std::env::var_os("COMMS_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/asyncapi/sample.json"), &printed).unwrap();
    } else {
        assert!(printed == expected, "the document has changed; look at it, then write it with COMMS_BLESS=1:\n{printed}");
    }
}

#[test]
fn the_document_says_what_the_code_says() {
    let document = asyncapi::document(&sample(), &config(FAKE));
    assert_eq!(document["servers"]["default"], serde_json::json!({ "host": "h", "protocol": "fake", "pathname": "/v" }));
    let message = &document["components"]["messages"]["orders.order-placed.v1"];
    assert_eq!(message["summary"], "An order was placed.");
    assert_eq!(message["payload"]["properties"]["total"]["description"], "In cents.");
    let operation = &document["operations"]["billing.on_order_placed"];
    assert_eq!((&operation["action"], &operation["summary"]), (&"receive".into(), &"Writes the invoice.".into()));
    assert!(document["operations"]["billing.charge"]["reply"]["address"]["location"].is_string());
    assert_eq!(document["operations"]["billing.publish.orders.order-placed.v1"]["action"], "send");
    assert!(!document.to_string().contains("hunter2"));
}
