//! `fail/<attribute>/<mistake>.rs` holds one mistake, the `.stderr` beside it what the user gets to read.
//!
//! After a deliberate change: `TRYBUILD=overwrite cargo test -p comms-ui`.

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*/*.rs");
}

/// Compiles a crate with nothing in it but `comms::proto!()`; `protos` is what its build script names.
fn compile_protos(protos: Option<&std::path::Path>) -> (bool, String) {
    let folder = std::env::temp_dir().join(format!("comms-ui-{}-{}", std::process::id(), protos.is_some()));
    std::fs::create_dir_all(&folder).unwrap();
    let macros = concat!(env!("CARGO_MANIFEST_DIR"), "/../../comms/src/grpc/macros.rs");
    let source = folder.join("lib.rs");
    std::fs::write(&source, format!("#[macro_use]\n#[path = {macros:?}]\nmod macros;\npub mod proto {{\n    proto!();\n}}\n")).unwrap();
    let mut rustc = std::process::Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--out-dir"]).arg(&folder).arg(&source);
    rustc.env_remove("COMMS_PROTO").envs(protos.map(|protos| ("COMMS_PROTO", protos)));
    let output = rustc.output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_crate_whose_build_script_names_no_proto_is_told_what_to_write() {
    let (compiled, text) = compile_protos(None);
    assert!(!compiled && text.contains("error: comms::proto!() takes in what the build script generates of `.proto` files"), "{text}");
    assert!(text.contains(r#"fn main() { comms_build::configure().proto("..").run() }"#) && !text.contains("couldn't read"), "{text}");
    let protos = std::env::temp_dir().join(format!("comms-ui-protos-{}", std::process::id()));
    std::fs::create_dir_all(&protos).unwrap();
    std::fs::write(protos.join("mod.rs"), "pub struct Article;\n").unwrap();
    let (compiled, text) = compile_protos(Some(&protos));
    std::fs::remove_dir_all(&protos).unwrap();
    assert!(compiled, "{text}");
}
