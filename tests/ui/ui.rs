//! `fail/<attribute>/<mistake>.rs` holds one mistake, the `.stderr` beside it what the user gets to read.
//!
//! After a deliberate change: `TRYBUILD=overwrite cargo test -p comms-ui`.

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*/*.rs");
}
