//! What a broker has to declare, how far groups are behind, and moving them.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::broker::BrokerErrorKind;

#[test]
fn a_plan_lists_steps_and_fails_on_what_can_not_be_changed() {
    let report = command_of(Sample { plan: vec![item("create")], ..Sample::default() }, &["topology", "plan"], FAKE);
    assert_eq!(report.exit, Exit::Ok);
    assert!(report.text.contains("create  default  queue  billing.orders  x-queue-type differs\n"), "{}", report.text);
    assert_eq!(report.json["brokers"][0]["items"][0]["step"], "create");
    let report = command_of(Sample { plan: vec![item("change")], ..Sample::default() }, &["topology", "plan"], FAKE);
    assert_eq!(report.exit, Exit::Problems);
    assert_eq!(command(&["topology", "plan"], "").text, "nothing to declare\n");
    assert_eq!(command(&["topology", "plan"], "[brokers.default]\nurl = \"down://h\"\n").exit, Exit::Unreachable);
}

#[test]
fn applying_says_what_was_made_and_refuses_what_differs_everywhere() {
    let sample = || Sample { plan: vec![item("create")], made: vec![item("create")], ..Sample::default() };
    let report = command_of(sample(), &["topology", "apply"], FAKE);
    assert_eq!(report.exit, Exit::Ok, "{}", report.remark);
    assert!(report.text.contains("create  default  queue  billing.orders  x-queue-type differs\n"), "{}", report.text);
    assert_eq!((&report.json["brokers"][0]["broker"], &report.json["brokers"][0]["made"][0]["step"]), (&"audit".into(), &"create".into()));
    assert_eq!(command(&["topology", "apply"], FAKE).text, "nothing was missing\n");
    assert_eq!(command(&["topology", "apply"], "").text, "nothing was missing\n", "memory begins empty with each process");

    let differs = Sample { plan: vec![item("change")], made: vec![item("create")], ..Sample::default() };
    let report = command_of(differs, &["topology", "apply"], FAKE);
    assert_eq!(report.exit, Exit::Problems);
    assert!(report.text.contains("change  ") && !report.text.contains("create"), "{}", report.text);
    assert!(report.remark.contains("nothing was made"), "{}", report.remark);
    let one_is_away = "[brokers.default]\nurl = \"fake://h\"\n[brokers.audit]\nurl = \"down://h\"\n";
    let report = command_of(sample(), &["topology", "apply"], one_is_away);
    assert_eq!(report.exit, Exit::Unreachable);
    assert!(report.remark.contains("refused") && report.remark.contains("nothing was made"), "{}", report.remark);
}

#[test]
fn offsets_show_how_far_each_subscription_is_behind() {
    let report = command(&["offsets", "show"], FAKE);
    assert_eq!(report.exit, Exit::Ok, "{}", report.remark);
    for expected in [
        "SUBSCRIPTION              PART      WAITING  UNSETTLED  DELAYED  POSITION\n",
        "billing.orders            -         12       3          1        -\n",
        "billing.orders            orders/0  5        -          -        1040\n",
        "billing.orders            orders/1  7        -          -        -\n",
        "billing.commands.billing  -         12       3          1        -\n",
    ] {
        assert!(report.text.contains(expected), "{expected}\n not in\n{}", report.text);
    }
    let lag = &report.json["subscriptions"][0]["lag"];
    assert_eq!((&lag["waiting"], &lag["parts"][0]["position"]), (&12.into(), &"1040".into()));
    let report = command(&["offsets", "show", "--topic", "orders"], FAKE);
    assert_eq!(report.json["subscriptions"].as_array().unwrap().len(), 1);
    assert_eq!(command(&["offsets", "show", "--group", "biling"], FAKE).exit, Exit::Usage);
    let report = command(&["offsets", "show"], "[brokers.default]\nurl = \"fake://h\"\n[brokers.audit]\nurl = \"down://h\"\n");
    assert_eq!(report.exit, Exit::Unreachable);
    assert!(report.text.contains("orders/0") && report.remark.contains("error: broker audit"), "{} {}", report.text, report.remark);
}

#[test]
fn a_group_is_moved_where_it_was_told_to() {
    let seek = |arguments: &[&str]| command(&[&["offsets", "seek"], arguments].concat(), FAKE);
    for (to, said) in [("beginning", "the beginning"), ("end", "the end"), ("2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00Z")] {
        let report = seek(&["--topic", "orders", "--to", to]);
        assert_eq!((report.exit, report.text), (Exit::Ok, format!("billing.orders goes on with {said}\n")), "{}", report.remark);
    }
    let report = seek(&["--topic", "orders", "--to", "1000", "--part", "orders/0"]);
    assert_eq!((report.exit, &report.json["moved"][0]), (Exit::Ok, &"billing.orders".into()));
    let report = seek(&["--topic", "orders", "--to", "nowhere"]);
    assert_eq!(report.exit, Exit::Usage);
    assert!(report.remark.contains("could not move `billing.orders` to nowhere"), "{}", report.remark);
    assert_eq!(seek(&["--to", "end", "--all"]).json["moved"].as_array().unwrap().len(), 2);
}

#[test]
fn moving_a_group_refuses_what_is_not_clear() {
    for (arguments, expected) in [
        (&["--to", "end"][..], "this moves 2 subscriptions (billing.orders, billing.commands.billing): say which one"),
        (&["--topic", "orders", "--to", "2026-01-31T12:00:00"], "is no time: "),
        (&["--topic", "orders", "--to", "end", "--part", "orders/0"], "`--part orders/0` goes with a place"),
        (&["--topic", "orders", "--to", ""], "`--to` is empty"),
        (&["--topic", "order", "--to", "end"], "there is no topic `order`; did you mean `orders`?"),
    ] {
        let report = command(&[&["offsets", "seek"], arguments].concat(), FAKE);
        assert_eq!(report.exit, Exit::Usage, "{arguments:?}");
        assert!(report.remark.contains(expected), "{expected}\n not in {}", report.remark);
    }
    let report = command(&["offsets", "seek", "--to", "end", "--topic", "orders"], "");
    assert_eq!(report.exit, Exit::Unsupported);
    assert!(report.remark.contains("`/metrics`"), "{}", report.remark);
}

#[test]
fn a_broker_that_declares_nothing_has_its_exit_code_and_its_connections_are_closed() {
    for (kind, exit) in [(BrokerErrorKind::Topology, Exit::Problems), (BrokerErrorKind::Connection, Exit::Unreachable)] {
        let closed = Arc::new(AtomicUsize::new(0));
        let sample = Sample { plan: vec![item("create")], refuses: Some(kind), closed: Arc::clone(&closed), ..Sample::default() };
        let report = command_of(sample, &["topology", "apply"], FAKE);
        assert_eq!(report.exit, exit, "{}", report.remark);
        assert!(report.remark.contains("error: broker audit: could not declare"), "{}", report.remark);
        assert!(report.remark.contains("error: broker default: could not declare") && report.text.is_empty(), "{}", report.remark);
        assert_eq!(closed.load(Ordering::SeqCst), 4, "both were asked for their plan, and then told to apply it");
    }
}
