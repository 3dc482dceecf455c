//! Mistakes in contracts, clients, their implementations and routes, with what is said of each. Where it is said, and how it looks to a
//! user, is for the cases of `comms-ui`; here is one line for each mistake, so that none goes without.

use comms_syntax::{Errors, client, contract, service};
use proc_macro2::TokenStream;

type Parsed = Result<(), Errors>;

fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Exactly one mistake, of which the text says this.
#[track_caller]
fn refused(parse: impl Fn(TokenStream, TokenStream) -> Parsed, cases: &[(&str, &str, &str)]) {
    for (attr, item, expected) in cases {
        let errors = parse(tokens(attr), tokens(item)).err();
        let told: Vec<String> = errors.iter().flat_map(|errors| errors.iter().map(|(_, text)| text)).collect();
        assert!(told.len() == 1 && told[0].contains(expected), "#[..({attr})] {item}\nexpected: {expected}\nfound: {told:#?}");
    }
}

const NAMED: &str = r#"name = "payments", version = "1.0.0""#;
const LIST: &str = r#"trait Payments { #[get("/charges")] async fn list(&self) -> Vec<u64>; }"#;

#[test]
fn of_a_contract() {
    let on_trait = |item: &'static str, expected: &'static str| (NAMED, item, expected);
    refused(
        |attr, item| contract::parse(attr, item).map(drop),
        &[
            on_trait("struct Payments;", "#[service] can't stand on a struct here"),
            on_trait(r#"unsafe trait Payments { #[get("/a")] async fn a(&self); }"#, "a contract can't be `unsafe`"),
            on_trait(
                r#"trait Payments { #[post("/a")] async fn a(&self, Pair(a, b): Pair); }"#,
                "name the argument: the client's method has it too",
            ),
            on_trait(r#"trait Payments<T> { #[get("/a")] async fn a(&self); }"#, "a contract can't be generic"),
            on_trait(r#"trait Payments where Self: Sized { #[get("/a")] async fn a(&self); }"#, "a contract can't have a `where` clause"),
            on_trait(r#"trait Payments: Clone { #[get("/a")] async fn a(&self); }"#, "a contract has no supertraits"),
            on_trait("trait Payments {}", "a contract without methods"),
            on_trait(r#"trait Payments { const A: u8; #[get("/a")] async fn a(&self); }"#, "a contract consists of methods"),
            on_trait(r#"trait Payments { #[get("/a")] async fn a(&self) {} }"#, "a method of a contract has no body"),
        ],
    );
    for (option, expected) in [
        ("timeout", "it belongs on a method of the trait"),
        ("limit", "it belongs on a method of the trait"),
        ("idempotent", "it belongs on a method of the trait"),
        ("status", "it belongs on a method of the trait"),
        ("tags", "it belongs to the service that implements the contract"),
        ("subscribe", "it belongs to the service that implements the contract"),
        ("url", "is `#[client(url = \"..\")]` on a trait"),
        ("path", "every method has its whole path, without a prefix of the trait"),
        ("retry", "a call is made once"),
        ("circuit_breaker", "not available yet"),
    ] {
        refused(|attr, item| contract::parse(attr, item).map(drop), &[(&format!("{NAMED}, {option} = 1"), LIST, expected)]);
    }
}

#[test]
fn of_headers_of_a_contract() {
    for header in ["accept", "content-type", "content-length", "content-encoding", "transfer-encoding", "trailer", "expect", "host"]
        .into_iter()
        .chain([
            "connection",
            "keep-alive",
            "proxy-connection",
            "te",
            "upgrade",
            "traceparent",
            "tracestate",
            "x-request-id",
            "grpc-timeout",
        ])
    {
        let item = format!("trait Payments {{ #[get(\"/a\")] async fn a(&self, #[header(\"{header}\")] a: String); }}");
        let expected = format!("`{header}` can't be an argument of a contract");
        refused(|attr, item| contract::parse(attr, item).map(drop), &[(NAMED, &item, &expected)]);
    }
}

#[test]
fn of_a_foreign_api() {
    let url = r#"url = "https://api.example.com""#;
    refused(
        |attr, item| contract::parse_foreign(attr, item).map(drop),
        &[
            (url, "enum Payments {}", "#[client] can't stand on an enum here"),
            (r#"url = "https://""#, LIST, "names no host"),
            (r#"url = "https://a?b=c""#, LIST, "goes on after the path: parameters of the query are arguments of the methods"),
            (r#"url = "https://a", grpc = b::C"#, LIST, "a gRPC service is called by a unit struct"),
            (r#"url = "https://a", http = b::C"#, LIST, "a contract of another service is called by a unit struct"),
            (r#"url = "https://a", version = "1""#, LIST, "the version of a foreign API stands in its url or in the paths of its methods"),
            (r#"url = "https://a", authorize"#, LIST, "what it shows the API goes into `#[header(\"authorization\")]`"),
        ],
    );
}

#[test]
fn of_a_client() {
    let calling = |option: &str| format!("http = contracts::Payments, {option} = 1");
    for (option, expected) in [
        ("idempotent", "it belongs on a method of the contract: `#[post(\"/..\", idempotent)]`"),
        ("address", "comms.toml says it: `clients.NAME.addresses`"),
        ("addresses", "comms.toml says it: `clients.NAME.addresses`"),
        ("version", "it belongs to the contract or the proto package"),
        ("authorize", "it belongs to what is called, and is not available yet"),
        ("balance", "the addresses of `clients.NAME.addresses` are tried in turn"),
    ] {
        refused(|attr, item| client::parse(attr, item).map(drop), &[(&calling(option), "struct Payments;", expected)]);
    }
    refused(
        |attr, item| client::parse(attr, item).map(drop),
        &[
            ("http = contracts::Payments<u8>", "struct Payments;", "the trait has no parameters: write its path alone"),
            ("http = contracts::Payments", "struct Überweisung;", "; write `name = \"..\"`"),
        ],
    );
}

#[test]
fn of_an_implementation() {
    refused(
        |attr, item| service::parse_implementation(attr, item).map(drop),
        &[
            ("", "impl !Payments for Bank {}", "this says that something does not"),
            ("", "impl Payments for [Bank; 2] {}", "expects the impl for a plain struct: `impl Contract for Name { .. }`"),
            ("", "impl Payments<u8> for Bank {}", "a trait without parameters: `impl Contract for Name { .. }`"),
            ("", "impl Payments for Bank { #[provider] async fn a(&self) {} }", "this attribute can't stand on a method of a contract"),
            (
                "",
                "impl Payments for Bank { #[rpc(timeout = \"1s\")] #[rpc(timeout = \"2s\")] async fn a(&self) {} }",
                "a second #[rpc] on one method",
            ),
            ("", "impl Payments for Bank { #[rpc(timeout = \"1s\")] async fn a() {} }", "#[rpc] stands on a method of a gRPC service"),
            ("", "impl Payments for Bank { #[rpc] async fn a(&self) {} }", "#[rpc] says nothing"),
        ],
    );
    for (option, expected) in [
        ("name = \"a\"", "a method is named in the `.proto` file"),
        ("status = 1", "the error of the method says its code"),
        ("crate = a", "a method follows the impl that it is in"),
        ("doc = \"a\"", "the comment in the `.proto` file says it"),
        ("compression = true", "it is one for all methods: `grpc.compression` in comms.toml"),
        ("idempotent", "the `.proto` file says it"),
        ("retry(max = 1)", "a call is answered once"),
        ("request = \"1KiB\"", "it belongs into `limit(..)`"),
        ("limit(timeout = \"1s\")", "it stands beside `limit(..)`"),
        ("limit(body = \"1KiB\")", "a call has messages in both directions"),
    ] {
        let item = format!("impl Payments for Bank {{ #[rpc({option})] async fn a(&self) {{}} }}");
        refused(|attr, item| service::parse_implementation(attr, item).map(drop), &[("", &item, expected)]);
    }
}

#[test]
fn of_a_route() {
    let refused = |route: &str, arguments: &str, expected: &str| {
        let item = format!("impl Bank {{ #[get({route})] async fn a(&self, {arguments}) {{}} }}");
        refused(|attr, item| service::parse_impl(attr, item).map(drop), &[("", &item, expected)]);
    };
    for (option, expected) in [
        ("header = 1", "it belongs on an argument of the method"),
        ("crate = a", "a method follows the impl or trait that it is in"),
        ("service = a", "a method follows the impl or trait that it is in"),
        ("version = 1", "the version of an interface stands in the path"),
        ("group = 1", "only events are handled in groups"),
        ("idempotent", "it belongs on the method of a contract"),
        ("idempotency_key", "it belongs on the method of a contract"),
        ("tags = 1", "they stand in #[service(..)] on the service's struct"),
        ("doc = 1", "the doc comment of the method says it"),
        ("retry = 1", "a request is answered once"),
        ("limit(timeout = 1)", "it stands beside `limit(..)`"),
        ("limit(header = 1)", "`http.header_limit` in comms.toml"),
    ] {
        refused(&format!("\"/a\", {option}"), "", expected);
    }
    refused("\"/a\" timeout = \"1s\"", "", "expected `,` before the first option");
    refused("\"/a//b\"", "", "two `/` follow each other in the path");
    refused("\"/a/b}\"", "", "is not opened: write `{` before the name of the parameter");
    refused("\"/a/*rest\"", "", "is another framework's way to write the rest of a path");
    refused("\"/ä\"", "", "can't stand in a path as it is: write it percent-encoded");
    refused("\"/{id}\"", "#[path] id: u64", "`id` needs no mark");
    refused("\"/{id}\"", "#[query] id: u64", "take this mark off, or rename one of the two");
    refused("\"/a\"", "#[extract(Method)] a: Method", "the type of the argument says which extractor");
    refused("\"/a\"", "#[header(\"a b\")] a: String", "is not the name of a header");
}
