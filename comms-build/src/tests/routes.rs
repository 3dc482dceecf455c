//! Routes: what is wired, and two that answer one request.

use super::project::{PRELUDE, Project, assert_errors, errors, text, warnings};
use crate::configure;

const SHOP: &str = "#[service(name = \"shop\", version = \"1.0.0\")] pub struct Shop;\n";
const OTHER: &str = "#[service(name = \"other\", version = \"1.0.0\")] pub struct Other;\n";
const FIND: &str = "#[service] impl Shop {\n#[get(\"/orders/{id}\")] async fn find(&self, id: u32) {}\n}\n";

fn package(name: &str, text: &str) -> Project {
    Project::new()
        .file("Cargo.toml", &format!("[package]\nname = \"{name}\"\n"))
        .file("src/lib.rs", &format!("{PRELUDE}\n{text}\ncomms::wiring!();"))
}

#[test]
fn a_route_is_wired_listed_and_keeps_its_conditions() {
    let project = Project::lib(&format!(
        "{SHOP}#[cfg(unix)] pub mod more {{ use comms::{{service, put as _}}; use super::Shop; #[service] #[cfg(feature = \"a\")] impl Shop {{\n\
         #[cfg(feature = \"b\")] #[comms::put(\"/orders/{{id}}\")] async fn change(&self, id: u32) {{}}\n}} }}"
    ));
    let generated = project.generate();
    assert_eq!(errors(&generated), Vec::<String>::new());
    let wiring = text(&generated, "lib.rs");
    let call = "#[cfg(feature = \"b\")]\n        let app = app.route::<crate::more::__comms_Shop_change>();";
    assert!(
        wiring.contains("// src/lib.rs:4\n        #[cfg(unix)]\n        #[cfg(feature = \"a\")]\n        ") && wiring.contains(call),
        "{wiring}"
    );
    assert_eq!(generated.index.matches("lib:shop=").count(), 1);
    assert_eq!(generated.index.len(), "lib:shop=;".len() + 2 * 16, "the service and the route: {}", generated.index);
}

#[test]
fn a_route_of_a_test_is_not_wired() {
    let project = Project::lib(&format!("{SHOP}#[cfg(test)] mod tests {{ use super::*; {FIND} }}"));
    assert_errors(&project, &[]);
    assert!(!text(&project.generate(), "lib.rs").contains("route"));
}

#[test]
fn two_impls_that_answer_one_request_are_refused_at_the_second() {
    let again = "#[service] impl Shop {\n#[get(\"/orders/{order}\")] async fn again(&self, order: u32) {}\n}\n";
    assert_errors(
        &Project::lib(&format!("{SHOP}{FIND}{again}")),
        &[
            "src/lib.rs:7: `GET /orders/{order}` of `Shop::again` and `GET /orders/{id}` of `Shop::find` at src/lib.rs:4 answer the same requests. Give one of them another path or method.",
        ],
    );
}

#[test]
fn two_services_of_a_crate_that_answer_one_request_are_refused() {
    let again = "#[service] impl Other {\n#[get(\"/orders/{id}\")] async fn find(&self, id: u32) {}\n}\n";
    assert_errors(
        &Project::lib(&format!("{SHOP}{OTHER}{FIND}{again}")),
        &[
            "src/lib.rs:8: `GET /orders/{id}` of `Other::find` and `GET /orders/{id}` of `Shop::find` at src/lib.rs:5 answer the same requests",
        ],
    );
}

#[test]
fn another_method_another_shape_and_other_conditions_are_other_requests() {
    let more = "#[service] impl Other {\n#[delete(\"/orders/{id}\")] async fn a(&self, id: u32) {}\n\
                #[get(\"/orders/all\")] async fn c(&self) {}\n#[get(\"/orders/{id}\")] #[cfg(unix)] async fn d(&self, id: u32) {}\n}";
    assert_errors(&Project::lib(&format!("{SHOP}{OTHER}{FIND}{more}")), &[]);
}

#[test]
fn paths_that_the_server_cannot_tell_apart_are_refused() {
    let more = "#[service] impl Other {\n#[delete(\"/orders/{order}\")] async fn a(&self, order: u32) {}\n} #[service] impl Other {\n#[get(\"/orders/{*rest}\")] async fn b(&self, rest: String) {}\n}";
    assert_errors(
        &Project::lib(&format!("{SHOP}{OTHER}{FIND}{more}")),
        &[
            "src/lib.rs:8: `DELETE /orders/{order}` of `Other::a` and `GET /orders/{id}` of `Shop::find` at src/lib.rs:5 are one path that names its parameter in two ways. Give the parameter one name in both",
            "src/lib.rs:10: `GET /orders/{*rest}` of `Other::b` and `GET /orders/{id}` of `Shop::find` at src/lib.rs:5 can't be told apart",
        ],
    );
}

#[test]
fn two_crates_of_a_system_that_one_process_runs_must_not_answer_one_request() {
    let shop = package("shop-service", &format!("{SHOP}{FIND}"));
    let other = package("other-service", &format!("{OTHER}{}", FIND.replace("Shop", "Other")));
    let system = || configure().system([shop.path(), other.path()]);
    for main in ["", "comms::main!(shop_service, other_service);"] {
        let found = errors(&Project::new().file("src/main.rs", main).with(system()));
        assert!(
            matches!(&found[..], [one] if one.contains("`Other::find` and `GET /orders/{id}` of `Shop::find` at ") && one.contains("lib.rs:4: ")),
            "{main}: {found:?}"
        );
    }
}

#[test]
fn two_crates_of_a_system_with_processes_of_their_own_may_answer_one_request() {
    let shop = package("shop-service", &format!("{SHOP}{FIND}")).file("src/main.rs", "comms::main!(shop_service);");
    let other =
        package("other-service", &format!("{OTHER}{}", FIND.replace("Shop", "Other"))).file("src/main.rs", "comms::main!(other_service);");
    let generated = Project::new().with(configure().system([shop.path(), other.path()]));
    assert_eq!(errors(&generated), Vec::<String>::new());
}

#[test]
fn a_route_in_a_private_module_is_refused_with_the_fix() {
    let project = Project::lib(&format!("{SHOP}mod a {{ mod b {{ use comms::*; use crate::Shop;\n{FIND}}} }}"));
    assert_errors(
        &project,
        &[
            "src/lib.rs:5: `Shop::find` can't be reached from the crate root, where the wiring stands: `mod b` at src/lib.rs:3 is private. Write `pub(crate) mod b`.",
        ],
    );
}

#[test]
fn a_route_attribute_of_another_crate_is_left_alone() {
    let free =
        "mod a { use actix_web::get;\n#[get(\"/\")] async fn index() {} }\nmod b { use actix_web::*;\n#[get(\"/\")] async fn index() {} }";
    let generated = Project::lib(free).generate();
    assert_eq!((errors(&generated), warnings(&generated)), (Vec::new(), Vec::new()));
    assert_eq!(generated.index, "lib:shop=;");
}
