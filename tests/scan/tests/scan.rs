//! `comms-build` in real packages: what compiles, and what is refused with which words.
//!
//! One folder takes one package after the other, so that cargo compiles the dependencies once.

mod fixture;

use fixture::Fixture;

/// A library, a binary, an integration test, an example and a doctest with annotated items: the first two are
/// wired, the others are left alone, and all of them compile and run.
#[test]
fn annotated_items_compile_and_run_wherever_they_stand() {
    let fixture = Fixture::folder("everywhere");
    let tested = fixture.cargo(&["test"]);
    tested.assert_success();
    for ran in ["the_library_is_wired ... ok", "an_integration_test_has_items_of_its_own ... ok", "src/lib.rs - (line"] {
        assert!(tested.text.contains(ran), "`{ran}` is not in the output:\n{}", tested.text);
    }
    fixture.cargo(&["build", "--examples", "--bins"]).assert_success();
}

/// What the scan can't see fails the build, in the expansion.
#[test]
fn annotated_items_that_the_scan_cannot_see_are_refused() {
    let refused = ["this annotated item is not in the generated wiring", "behind another macro"];
    for case in ["behind_macro", "included", "function_body", "unseen_attribute"] {
        Fixture::lib(case).cargo(&["check"]).assert_refused(&refused);
        Fixture::bin(case).cargo(&["check"]).assert_refused(&refused);
    }
}

#[test]
fn diagnoses_of_the_scan_come_with_file_line_and_way_out() {
    Fixture::lib("unreachable").cargo(&["check"]).assert_refused(&[
        "src/lib.rs:9: `hidden` can't be reached from the crate root, where the wiring stands: `mod b` at src/lib.rs:4 is private. Write `pub(crate) mod b`.",
        "src/lib.rs:17: nothing handles the command `shop.place`, which the service `shop` owns. Write `#[command] async fn ..(&self, message: Place)",
    ]);
}

#[test]
fn the_compiler_sees_a_second_handler_that_the_scan_cannot_follow() {
    Fixture::lib("two_commands").cargo(&["check"]).assert_refused(&["E0119", "conflicting implementations of trait `Handles<"]);
    Fixture::lib("two_events")
        .cargo(&["check"])
        .assert_refused(&["`twice` handles an event that another handler of the service `shop` handles too, in the same group"]);
}

#[test]
fn the_compiler_sees_a_handler_in_another_service_than_the_owner() {
    Fixture::lib("wrong_owner")
        .cargo(&["check"])
        .assert_refused(&["`Shop::place` handles a command that another service than `shop` owns"]);
}

#[test]
fn the_compiler_sees_what_nothing_provides_or_handles() {
    Fixture::lib("not_provided").cargo(&["check"]).assert_refused(&[
        "nothing provides one of `(Pool,)`",
        "the trait `Provides<Pool>` is not implemented",
        "#[provider]",
    ]);
    Fixture::lib("not_handled").cargo(&["check"]).assert_refused(&["no handler for `Place` in the service that owns it"]);
}

/// The attribute says it at its place, and the scan, which reads the attribute in the same way, keeps silent.
#[test]
fn a_second_subscription_in_one_group_is_refused() {
    let refused = Fixture::lib("second_subscription").cargo(&["check"]);
    refused.assert_refused(&["a second subscription to `orders` in the same group", "src/lib.rs:12", "src/lib.rs:19"]);
    assert_eq!(refused.text.matches("a second subscription to").count(), 2, "{}", refused.text);
}

/// Neither the build script nor the compiler runs again when nothing changed.
#[test]
fn an_unchanged_package_is_not_built_again() {
    let fixture = Fixture::lib("fine");
    fixture.cargo(&["check"]).assert_success();
    let again = fixture.cargo(&["check", "--verbose"]);
    again.assert_success();
    assert!(again.text.contains("Fresh fixture v"), "{}", again.text);
}

/// What the README has its reader write compiles, and the mistake that it proposes is told as it says.
#[test]
fn the_five_minutes_of_the_readme_are_true() {
    Fixture::readme(|code| code).cargo(&["check"]).assert_success();
    Fixture::readme(|code| code.replace("struct Greeter;", "struct Greeter { mailer: std::sync::Arc<String> }"))
        .cargo(&["check"])
        .assert_refused(&["nothing provides one of `(Arc<String>,)`", "write `#[provider] async fn"]);
}
