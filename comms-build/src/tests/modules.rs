//! The module tree, and what of it is wired.

use super::project::{PRELUDE, Project, errors, text};

fn event(name: &str) -> String {
    format!("use comms::event;\n#[event(name = \"{name}\", version = 1, topic = \"t\")]\npub struct {name};\n")
}

/// The registrations in the wiring of the library, comments and all.
fn registered(project: &Project) -> Vec<String> {
    let generated = project.generate();
    assert_eq!(errors(&generated), Vec::<String>::new());
    text(&generated, "lib.rs").lines().map(str::trim).filter(|line| line.contains("let app = app.")).map(str::to_owned).skip(1).collect()
}

#[test]
fn modules_are_found_where_the_compiler_finds_them() {
    let project = Project::lib(
        "pub mod a; pub mod b; #[path = \"elsewhere/c.rs\"] pub mod c; \
         pub mod inline { pub mod d; #[path = \"e_file.rs\"] pub mod e; } \
         #[path = \"thread\"] pub mod thread { #[path = \"tls.rs\"] pub mod local; }",
    )
    .file(
        "src/a.rs",
        &format!("{}pub mod deep; #[path = \"x.rs\"] pub mod pathed; pub mod inner {{ #[path = \"y.rs\"] pub mod y; }}", event("A")),
    )
    .file("src/a/deep.rs", &event("Deep"))
    .file("src/x.rs", &event("Pathed"))
    .file("src/a/inner/y.rs", &event("Y"))
    .file("src/b/mod.rs", &format!("{}pub mod sub;", event("B")))
    .file("src/b/sub.rs", &event("Sub"))
    .file("src/elsewhere/c.rs", &format!("{}pub mod beside;", event("C")))
    .file("src/elsewhere/beside.rs", &event("Beside"))
    .file("src/inline/d.rs", &event("D"))
    .file("src/inline/e_file.rs", &event("E"))
    .file("src/thread/tls.rs", &event("Tls"));
    let expected = [
        "crate::a::A",
        "crate::a::deep::Deep",
        "crate::a::pathed::Pathed",
        "crate::a::inner::y::Y",
        "crate::b::B",
        "crate::b::sub::Sub",
        "crate::c::C",
        "crate::c::beside::Beside",
        "crate::inline::d::D",
        "crate::inline::e::E",
        "crate::thread::local::Tls",
    ];
    assert_eq!(registered(&project), expected.map(|path| format!("let app = app.message::<{path}>();")));
}

#[test]
fn conditions_of_items_and_modules_stand_on_their_entries() {
    let project = Project::lib(
        "#[cfg(feature = \"x\")] pub mod a { use comms::event; #[cfg(unix)] #[event(name = \"a\", version = 1, topic = \"t\")] pub struct A; }\n\
         #[cfg_attr(feature = \"y\", event(name = \"b\", version = 1, topic = \"t\"))] pub struct B;",
    );
    assert_eq!(registered(&project), ["let app = app.message::<crate::a::A>();", "let app = app.message::<crate::B>();"]);
    let generated = project.generate();
    let wiring = text(&generated, "lib.rs");
    assert!(wiring.contains("#[cfg(feature = \"x\")]\n        #[cfg(unix)]\n        let app = app.message::<crate::a::A>();"), "{wiring}");
    assert!(wiring.contains("#[cfg(feature = \"y\")]\n        let app = app.message::<crate::B>();"), "{wiring}");
}

#[test]
fn a_path_that_depends_on_a_condition_gives_both_modules() {
    let project =
        Project::lib("#[cfg_attr(windows, path = \"w.rs\")] pub mod a;").file("src/a.rs", &event("A")).file("src/w.rs", &event("W"));
    let generated = project.generate();
    let wiring = text(&generated, "lib.rs");
    assert!(wiring.contains("#[cfg(windows)]\n        let app = app.message::<crate::a::W>();"), "{wiring}");
    assert!(wiring.contains("#[cfg(not(windows))]\n        let app = app.message::<crate::a::A>();"), "{wiring}");
}

#[test]
fn tests_are_listed_but_not_wired() {
    let project = Project::lib("#[cfg(test)] mod tests { use comms::event; #[event(name = \"a\", version = 1, topic = \"t\")] struct A; }");
    assert_eq!(registered(&project), Vec::<String>::new());
    assert_eq!(project.generate().index.len(), "lib:shop=;".len() + 16);
}

#[test]
fn attributes_are_known_by_where_they_come_from() {
    let project = Project::new().file(
        "src/lib.rs",
        "pub mod prelude { pub use comms::event; }\n\
             pub mod renamed { use comms::event as ev; #[ev(name = \"a\", version = 1, topic = \"t\")] pub struct A; }\n\
             pub mod path { #[comms::event(name = \"b\", version = 1, topic = \"t\")] pub struct B; }\n\
             pub mod glob { use comms::*; #[event(name = \"c\", version = 1, topic = \"t\")] pub struct C; }\n\
             pub mod reexported { use crate::prelude::*; #[event(name = \"d\", version = 1, topic = \"t\")] pub struct D; }\n\
             pub mod foreign { use other::*; #[event(name = \"e\", version = 1, topic = \"t\")] pub struct E; }\n\
             pub mod clap { use ::clap::Parser; #[derive(Parser)] #[command(name = \"f\")] pub struct F; }\n\
             pub mod other { use tokio::event; #[event(name = \"g\", version = 1, topic = \"t\")] pub struct G; }\n\
             comms::wiring!();",
    );
    let expected = ["renamed::A", "path::B", "glob::C", "reexported::D", "foreign::E"];
    assert_eq!(registered(&project), expected.map(|path| format!("let app = app.message::<crate::{path}>();")));
}

#[test]
fn function_bodies_macros_and_included_files_are_not_seen() {
    let project = Project::lib(
        "fn f() { #[event(name = \"a\", version = 1, topic = \"t\")] struct A; }\n\
         some_macro! { #[event(name = \"b\", version = 1, topic = \"t\")] struct B; }\n\
         include!(\"c.rs\");",
    )
    .file("src/c.rs", &event("C"));
    assert_eq!(registered(&project), Vec::<String>::new());
    assert_eq!(project.generate().index, "lib:shop=;");
}

#[test]
fn every_root_that_asks_for_it_gets_its_own_files() {
    let project = Project::lib("")
        .file("Cargo.toml", "[package]\nname = \"the-shop\"\n[[bin]]\nname = \"extra-tool\"\npath = \"tools/extra.rs\"\n")
        .file("src/main.rs", "comms::main!(the_shop);")
        .file("src/bin/worker.rs", &format!("{PRELUDE}\n#[event(name = \"a\", version = 1, topic = \"t\")] struct A;\ncomms::main!();"))
        .file("src/bin/other/main.rs", "fn main() {}")
        .file("tools/extra.rs", "comms::main!();");
    let generated = project.generate();
    let mut names: Vec<&str> = generated.files.iter().map(|(name, _)| name.as_str()).filter(|name| name.ends_with(".rs")).collect();
    names.sort_unstable();
    assert_eq!(names, ["bin-extra-tool.rs", "bin-worker.rs", "lib.rs"]);
    assert!(generated.index.starts_with("lib:the_shop=;bin:extra-tool=;bin:worker="), "{}", generated.index);
    assert!(text(&generated, "bin-worker.rs").contains("app.message::<crate::A>()"));
}

#[test]
fn a_file_that_is_no_rust_is_left_to_the_compiler() {
    let project = Project::lib(
        "pub mod broken;\n#[command(name = \"c\", version = 1, owner = \"shop\")] pub struct C;\n#[service(name = \"shop\", version = \"1.0.0\")] pub struct Shop;",
    )
    .file("src/broken.rs", "pub fn (");
    assert_eq!(project.errors(), Vec::<String>::new());
    assert!(!text(&project.generate(), "lib.rs").contains("handled::"), "what may be in the broken file is not asked for");
}

#[test]
fn cargo_watches_what_was_read_and_where_a_missing_module_could_appear() {
    let project = Project::lib("pub mod a; mod missing;").file("src/a.rs", "").file("src/unrelated.rs", "");
    let watched: Vec<String> = project
        .generate()
        .watched
        .iter()
        .map(|path| path.strip_prefix(project.path()).expect("below the package").display().to_string().replace('\\', "/"))
        .collect();
    assert_eq!(watched, ["Cargo.toml", "src/a.rs", "src/lib.rs", "src/missing/mod.rs", "src/missing.rs"]);
}
