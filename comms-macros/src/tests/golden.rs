//! Expansions as a person reads them, and their line budgets.
//!
//! `tests/golden/<name>.rs` is what a user writes, `<name>.expanded.rs` what becomes of it. After a deliberate
//! change: `UPDATE_GOLDEN=1 cargo test -p comms-macros`.

use std::path::PathBuf;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Meta;

use crate::attribute;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// How many lines a person wrote or would have written: a wrapped one counts once. Not counted is what restates the
/// user's own tokens one by one: carried `#[cfg]`s, and options as `.timeout(..)`.
fn lines(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut lines = 0;
    for line in text.lines().map(str::trim) {
        let restated = line.starts_with('.') || line.starts_with("#[cfg(");
        lines += usize::from(depth == 0 && !restated);
        depth = depth + line.matches(['(', '[']).count() - line.matches([')', ']']).count();
    }
    lines
}

/// The expansion, and how many lines it has beyond the user's own.
struct Expansion {
    text: String,
    added_lines: usize,
}

fn pretty(tokens: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(tokens).expect("an expansion is made of items"))
}

fn expand(name: &str) -> Expansion {
    let source = std::fs::read_to_string(folder().join(format!("{name}.rs"))).expect("the input is there");
    let tokens: TokenStream = source.parse().expect("the input is Rust");
    let (meta, item) = first_attribute(tokens);
    let (path, attr) = match meta {
        Meta::List(list) => (list.path, list.tokens),
        meta => (meta.path().clone(), TokenStream::new()),
    };
    let expansion = match path.to_token_stream().to_string().as_str() {
        "event" => attribute::event(attr, item.clone()),
        "command" => attribute::command(attr, item.clone()),
        "query" => attribute::query(attr, item.clone()),
        "service" => attribute::service(attr, item.clone()),
        "event_handler" => attribute::event_handler(attr, item.clone()),
        "provider" => attribute::provider(attr, item.clone()),
        "client" => attribute::client(attr, item.clone()),
        other => panic!("no attribute `{other}`"),
    };
    let text = pretty(expansion);
    let added_lines = lines(&text) - lines(&pretty(comms_syntax::service::strip_impl(item)));
    Expansion { text, added_lines }
}

fn first_attribute(tokens: TokenStream) -> (Meta, TokenStream) {
    let mut item: syn::Item = syn::parse2(tokens).expect("the input is one item");
    let attrs = match &mut item {
        syn::Item::Struct(item) => &mut item.attrs,
        syn::Item::Impl(item) => &mut item.attrs,
        syn::Item::Fn(item) => &mut item.attrs,
        syn::Item::Trait(item) => &mut item.attrs,
        _ => panic!("the input is a struct, an impl, a trait or a function"),
    };
    let at = attrs.iter().position(|attr| comms_syntax::attribute(attr.path()).is_some()).expect("the input has an attribute");
    let meta = attrs.remove(at).meta;
    (meta, item.into_token_stream())
}

/// Compares an expansion with the recorded one, and its length with the budget.
#[track_caller]
fn check(name: &str, budget: usize) {
    let Expansion { text, added_lines } = expand(name);
    let recorded = folder().join(format!("{name}.expanded.rs"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&recorded, &text).expect("the golden file can be written");
    }
    let expected = std::fs::read_to_string(&recorded).unwrap_or_default();
    assert!(expected == text, "the expansion of {name} has changed; if that is meant, run with UPDATE_GOLDEN=1. It is now:\n{text}");
    assert!(added_lines <= budget, "the expansion of {name} adds {added_lines} lines, more than {budget}:\n{text}");
}

#[test]
fn event() {
    check("event", 40);
}

#[test]
fn event_minimal() {
    check("event_minimal", 40);
}

#[test]
fn event_of_protobuf() {
    check("event_protobuf", 40);
}

#[test]
fn command() {
    check("command", 40);
}

#[test]
fn service() {
    check("service", 40);
}

#[test]
fn service_with_conditional_fields() {
    check("service_cfg", 40);
}

#[test]
fn handlers_of_a_service() {
    // One handler has an injected argument and one a line for what it publishes; the attributes of the methods are
    // used once each.
    check("handlers", 15 * 4 + 1 + 10 + 1);
}

#[test]
fn routes_of_a_service() {
    // The first has one argument of each kind, a line each; the attributes of the methods are used once each.
    check("routes", 15 * 4 + 10);
}

#[test]
fn contract() {
    // A route, a method of the client and one of the fake for each method; the client and the fake themselves.
    check("contract", 3 * 45 + 60);
}

/// What the trait is conditional on, everything beside it is too.
#[test]
fn contract_under_a_condition() {
    check("contract_cfg", 45 + 60);
}

#[test]
fn contract_of_a_foreign_api() {
    check("client_foreign", 45 + 60);
}

#[test]
fn implementation_of_a_contract() {
    check("implementation", 15);
}

#[test]
fn implementation_of_a_grpc_service() {
    check("implementation_rpc", 30);
}

#[test]
fn client_of_a_contract() {
    check("client_http", 40);
}

/// A second derive of the same would not compile.
#[test]
fn client_that_derives_by_itself() {
    check("client_derives", 40);
}

#[test]
fn client_of_a_grpc_service() {
    check("client_grpc", 40);
}

#[test]
fn handler_function() {
    check("handler_function", 40);
}

#[test]
fn provider() {
    check("provider", 40);
}

#[test]
fn the_item_is_re_emitted_beside_an_error() {
    check("error", 40);
}
