//! `.proto` files in a temporary package: what is generated from them, and what is said of wrong ones.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Configure, Generated, configure};

const INVENTORY: &str = r#"syntax = "proto3";
package shop.inventory.v1;

import "shop/common/v1/money.proto";
import "google/protobuf/timestamp.proto";

// What lies on the shelves.
service Inventory {
  // Sets goods aside.
  //
  //     indented = as_code();
  rpc Reserve(ReserveRequest) returns (Reservation);
  rpc Watch(ReserveRequest) returns (stream Reservation);
  rpc Receive(stream ReserveRequest) returns (Reservation);
  rpc Haggle(stream ReserveRequest) returns (stream Reservation);
}

// What is wanted.
message ReserveRequest {
  // The article.
  string sku = 1;
}

message Reservation {
  shop.common.v1.Money total = 1;
  google.protobuf.Timestamp until = 2;
}
"#;

const MONEY: &str = "syntax = \"proto3\";\npackage shop.common.v1;\nmessage Money { int64 cents = 1; }\n";

/// A package with `.proto` files, gone when dropped.
struct Protos(PathBuf);

impl Protos {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("comms-build-proto-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let new = Self(std::env::temp_dir().join(name));
        new.file("Cargo.toml", "[package]\nname = \"shop\"\n").file("proto/shop/common/v1/money.proto", MONEY)
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
        self
    }

    /// Also the service that imports the money.
    fn inventory(self, text: &str) -> Self {
        self.file("proto/shop/inventory/v1/inventory.proto", text)
    }

    fn with(&self, configure: Configure) -> Generated {
        configure.generate(&self.0)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// What is said, one text for each mistake.
    #[track_caller]
    fn errors(&self) -> Vec<String> {
        let generated = self.with(named());
        assert!(generated.files.is_empty(), "nothing is generated beside errors: {:?}", generated.files);
        generated.diagnoses.iter().map(ToString::to_string).collect()
    }
}

impl Drop for Protos {
    fn drop(&mut self) {
        // What can't be removed is the temporary folder's to lose.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn named() -> Configure {
    configure().proto("proto/shop/inventory/v1/inventory.proto")
}

#[track_caller]
fn text<'a>(generated: &'a Generated, name: &str) -> &'a str {
    let found = generated.files.iter().find(|(file, _)| file == name);
    &found.unwrap_or_else(|| panic!("no `{name}`: {:?}", generated)).1
}

#[test]
fn packages_become_one_module_tree() {
    let generated = Protos::new().inventory(INVENTORY).with(named());
    assert!(generated.diagnoses.is_empty(), "{:?}", generated.diagnoses);
    let names: Vec<&str> = generated.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["proto/mod.rs", "proto/descriptors.rs", "proto/shop.common.v1.rs", "proto/shop.inventory.v1.rs"]);
    let lines: Vec<&str> = text(&generated, "proto/mod.rs").lines().skip(3).map(str::trim).collect();
    let common = "include!(concat!(env!(\"OUT_DIR\"), \"/comms/proto/shop.common.v1.rs\"));";
    let inventory = "include!(concat!(env!(\"OUT_DIR\"), \"/comms/proto/shop.inventory.v1.rs\"));";
    let expected = [
        "pub mod shop {",
        "pub mod common {",
        "pub mod v1 {",
        common,
        "}",
        "}",
        "pub mod inventory {",
        "pub mod v1 {",
        inventory,
        "}",
        "}",
        "}",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn each_kind_of_method_has_its_shape() {
    let generated = Protos::new().inventory(INVENTORY).with(named());
    let found: String = text(&generated, "proto/shop.inventory.v1.rs").split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in [
        "pub trait Inventory",
        "fn reserve( &self, request: ReserveRequest, ) -> impl ::core::future::Future< Output = ::core::result::Result<Reservation, Self::Error>, >",
        "request: ReserveRequest, ) -> impl ::core::future::Future< Output = ::core::result::Result< ::comms::grpc::Outbound<Reservation, Self::Error>",
        "requests: ::comms::grpc::Inbound<ReserveRequest>, ) -> impl ::core::future::Future< Output = ::core::result::Result<Reservation, Self::Error>",
        "requests: ::comms::grpc::Inbound<ReserveRequest>, ) -> impl ::core::future::Future< Output = ::core::result::Result< ::comms::grpc::Outbound",
        "const FILES: &'static [u8] = ::core::include!( ::core::concat!(::core::env!(\"OUT_DIR\"), \"/comms/proto/descriptors.rs\") );",
        "fn __comms_register(app: ::comms::AppBuilder) -> ::comms::AppBuilder where Self: ::comms::Service, { app.grpc::<InventoryDescriptor, Self>() }",
        "fn __comms_register_rpcs( app: ::comms::AppBuilder, rpcs: &'static [::comms::grpc::RpcDecl], ) -> ::comms::AppBuilder where Self: ::comms::Service, { app.grpc_with::<InventoryDescriptor, Self>(rpcs) }",
        "::comms::grpc::MethodDecl::unary(\"Reserve\").handler(\"reserve\")",
        "pub type InventoryServer<S> = ::comms::grpc::Server<InventoryDescriptor, S>;",
        "pub struct InventoryClient<T = ::comms::client::Channel>",
        "pub total: ::core::option::Option<super::super::common::v1::Money>",
        "pub until: ::core::option::Option<::comms::grpc::prost_types::Timestamp>",
    ] {
        assert!(found.contains(expected), "no `{expected}` in\n{}", text(&generated, "proto/shop.inventory.v1.rs"));
    }
}

#[test]
fn a_method_whose_proto_says_so_is_called_as_one_that_may_be_repeated() {
    let text_of = |level: &str| {
        let proto = INVENTORY.replace(
            "rpc Reserve(ReserveRequest) returns (Reservation);",
            &format!("rpc Reserve(ReserveRequest) returns (Reservation) {{ option idempotency_level = {level}; }}"),
        );
        text(&Protos::new().inventory(&proto).with(named()), "proto/shop.inventory.v1.rs").replace(char::is_whitespace, "")
    };
    for level in ["IDEMPOTENT", "NO_SIDE_EFFECTS"] {
        let found = text_of(level);
        assert!(found.contains("self.client.idempotent().unary(\"/shop.inventory.v1.Inventory/Reserve\",request)"), "{found}");
        assert_eq!(found.matches(".idempotent()").count(), 1, "of no other method: {found}");
    }
    assert!(!text_of("IDEMPOTENCY_UNKNOWN").contains(".idempotent()"));
}

#[test]
fn comments_become_documentation_that_is_not_compiled() {
    let generated = Protos::new().inventory(INVENTORY).with(named());
    let found = text(&generated, "proto/shop.inventory.v1.rs");
    for comment in ["/// What lies on the shelves.", "/// Sets goods aside.", "/// What is wanted.", "/// The article."] {
        assert!(found.contains(comment), "no `{comment}` in\n{found}");
    }
    assert!(found.contains("///    indented = as_code();") && !found.contains("///     indented"), "{found}");
}

#[test]
fn a_rust_type_can_stand_for_a_protobuf_type() {
    let protos = Protos::new().inventory(INVENTORY);
    let generated = protos.with(named().extern_path(".shop.common.v1", "::contracts::common"));
    assert!(text(&generated, "proto/shop.inventory.v1.rs").contains("::contracts::common::Money"));
    assert!(!generated.files.iter().any(|(name, _)| name.contains("common")), "what is another crate's is not generated");
}

#[test]
fn what_was_read_is_watched() {
    let protos = Protos::new().inventory(INVENTORY);
    let watched = protos.with(named()).watched;
    let proto: Vec<&Path> = watched.iter().map(PathBuf::as_path).filter(|path| path.extension().is_some_and(|it| it == "proto")).collect();
    assert_eq!(proto, [protos.path("proto/shop/common/v1/money.proto"), protos.path("proto/shop/inventory/v1/inventory.proto")]);
}

#[test]
fn a_missing_import_is_told_where_it_stands_and_where_it_was_looked_for() {
    let protos = Protos::new().inventory(&INVENTORY.replace("v1/money", "v1/mony"));
    let errors = protos.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("proto/shop/inventory/v1/inventory.proto:4:"), "{errors:?}");
    assert!(errors[0].contains("'shop/common/v1/mony.proto' not found") && errors[0].contains("(`proto`)"), "{errors:?}");
    let place = protos.path("proto/shop/common/v1/mony.proto");
    assert!(protos.with(named()).watched.contains(&place), "the build script runs again when the file appears");
}

#[test]
fn a_mistake_in_the_syntax_has_line_and_column() {
    let errors = Protos::new().inventory(&INVENTORY.replace("string sku = 1;", "string sku 1;")).errors();
    assert!(errors[0].starts_with("proto/shop/inventory/v1/inventory.proto:21:14: expected "), "{errors:?}");
}

#[test]
fn a_mistake_in_an_imported_file_is_told_in_that_file() {
    let errors = Protos::new().inventory(INVENTORY).file("proto/shop/common/v1/money.proto", &MONEY.replace("int64", "int65")).errors();
    assert!(errors[0].starts_with("proto/shop/common/v1/money.proto:3:17: "), "{errors:?}");
    assert!(errors[0].contains("int65"), "{errors:?}");
}

#[test]
fn an_unknown_type_of_a_method_has_line_and_column() {
    let errors = Protos::new().inventory(&INVENTORY.replace("Reserve(ReserveRequest)", "Reserve(Reserve)")).errors();
    assert!(errors[0].starts_with("proto/shop/inventory/v1/inventory.proto:12:15: "), "{errors:?}");
}

#[test]
fn a_type_with_a_name_that_a_service_needs_is_refused() {
    let errors = Protos::new().inventory(&format!("{INVENTORY}message InventoryClient {{}}\n")).errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("proto/shop/inventory/v1/inventory.proto:8:1: the service `Inventory` needs the name"), "{errors:?}");
}

#[test]
fn what_build_rs_says_wrongly_is_refused() {
    let protos = Protos::new().inventory(INVENTORY);
    for (wrong, expected) in [
        (configure().proto("proto/nothing.proto"), "`proto/nothing.proto`, which `.proto(..)` in build.rs names, is not there"),
        (named().include("proto/shop/common"), "lies in none of the include folders `proto/shop/common`"),
        (named().extern_path("shop.common.v1", "crate::common"), "names no Protobuf type or package"),
        (named().extern_path(".shop.common.v1", "not a path"), "names no Rust type or module"),
        (
            named().extern_path(".shop.common.v1.Money", "crate::A").extern_path(".shop.common.v1.Money", "crate::B"),
            "no Rust could be generated from the `.proto` files",
        ),
    ] {
        let generated = protos.with(wrong);
        let told: Vec<String> = generated.diagnoses.iter().map(ToString::to_string).collect();
        assert!(generated.has_errors() && told.len() == 1 && told[0].contains(expected), "expected `{expected}`, found {told:?}");
    }
}
