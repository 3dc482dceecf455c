//! `comms.toml` beside `Cargo.toml`.

use super::project::{Project, assert_errors};

fn project(config: &str) -> Project {
    Project::lib(
        "#[event(name = \"paid\", version = 1, topic = \"orders.paid\", broker = \"audit\")] pub struct Paid;\n\
         #[service(name = \"shop\", version = \"1.0.0\")] pub struct Shop;\n\
         #[service] impl Shop { #[event_handler] async fn on_paid(&self, event: Paid) {} #[get(\"/shops\")] async fn list(&self) {} }",
    )
    .file("comms.toml", config)
}

#[test]
fn what_exists_is_fine() {
    let config = "[brokers.default]\nurl = \"memory://\"\n[brokers.audit]\nurl = \"memory://\"\n\
                  [service.shop.handler.on_paid]\ntimeout = \"5s\"\n[service.shop.handler.list]\ntimeout = \"5s\"\n[service.shop.subscription.\"orders.paid\"]\nconcurrency = 4\n\
                  [app]\nanything = { goes = 1 }\n[profile.test.brokers.default]\nurl = \"memory://\"\n";
    assert_errors(&project(config), &[]);
}

#[test]
fn names_that_do_not_exist_are_refused_at_their_line() {
    let config = "[brokers.adit]\nurl = \"memory://\"\n[service.shop.handler.on_pad]\ntimeout = \"5s\"\n\
                  [service.shop.subscription]\n\"orders.payd\" = { concurrency = 4 }\n[service.shpo]\n[profile.test.service.nobody]\n";
    assert_errors(
        &project(config),
        &[
            "comms.toml:1: there is no broker `adit`, which `brokers.adit` configures. Did you mean `audit`?",
            "comms.toml:3: there is no handler `on_pad`, which `service.shop.handler.on_pad` configures. Did you mean `on_paid`?",
            "comms.toml:6: there is no subscription `orders.payd`",
            "comms.toml:7: there is no service `shpo`",
            "comms.toml:8: there is no service `nobody`",
        ],
    );
}

#[test]
fn unknown_keys_are_refused_with_a_suggestion() {
    let config = "[brokers.default]\nulr = \"memory://\"\n[service.shop.handler.on_paid]\nretry = { immediat = 1 }\n[lgo]\n";
    assert_errors(
        &project(config),
        &[
            "comms.toml:2: unknown key `brokers.default.ulr`. Did you mean `url`?",
            "comms.toml:4: unknown key `service.shop.handler.on_paid.retry.immediat`. Did you mean `immediate`?",
            "comms.toml:5: unknown key `lgo`. Did you mean `log`?",
        ],
    );
}

#[test]
fn what_is_no_toml_is_refused_at_its_line() {
    assert_errors(&project("[brokers.default]\nurl = = 1\n"), &["comms.toml:2: this is no TOML"]);
}

#[test]
fn names_are_not_judged_where_another_crate_may_have_them() {
    let project = project("[service.unknown]\n[typo]\n").file("src/main.rs", "comms::main!(shop, other_crate);");
    assert_errors(&project, &["comms.toml:2: unknown key `typo`"]);
}
