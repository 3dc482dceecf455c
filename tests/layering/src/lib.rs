//! Reads the sources of the runtime and fails on a dependency that the table does not allow.
//!
//! The table is the house of `ARCHITECTURE.md`: each module with what it may use. What is not in its row it must not
//! name, in code or in tests; documentation may link anywhere.

#[cfg(test)]
mod sources;

/// Each top-level module of `comms` with the modules that it may use.
pub const ALLOWED: &[(&str, &[&str])] = &[
    // The vocabulary: plain data, no I/O.
    ("error", &[]),
    ("location", &[]),
    ("text", &[]),
    ("inject", &["error", "location"]),
    ("limit", &["inject"]),
    ("message", &["error"]),
    ("config", &["error", "text", "limit"]),
    ("context", &["message"]),
    // Contracts and their backends.
    ("metrics", &["inject"]),
    ("broker", &["error", "text", "message", "metrics"]),
    ("telemetry", &["error", "message", "config", "context"]),
    ("server", &[]),
    ("http", &["error", "location", "message", "config", "context", "metrics"]),
    // Outbound and inbound.
    ("client", &["error", "location", "message", "config", "context", "http"]),
    ("publisher", &["error", "message", "context", "inject", "limit", "metrics", "broker"]),
    ("handler", &["error", "location", "message", "context", "inject", "limit", "metrics", "broker"]),
    ("cqrs", &["error", "message", "context", "inject", "broker", "publisher", "handler"]),
    ("grpc", &["error", "location", "message", "context", "metrics", "http", "client"]),
    // Everything together.
    (
        "app",
        &[
            "error",
            "location",
            "message",
            "config",
            "context",
            "inject",
            "limit",
            "metrics",
            "broker",
            "telemetry",
            "server",
            "http",
            "publisher",
            "client",
            "handler",
            "cqrs",
            "grpc",
        ],
    ),
    ("contract", &["app"]),
    ("macros", &["__private"]),
    ("__private", &["error", "message", "context", "inject", "broker", "http", "publisher", "client", "handler", "cqrs", "grpc", "app"]),
    (
        "testing",
        &["error", "message", "config", "context", "inject", "broker", "http", "publisher", "client", "handler", "cqrs", "app", "testing"],
    ),
];

/// The backends: each knows the contract beside it, and none of the others.
pub const BACKENDS: &[&str] = &["kafka", "memory", "rabbitmq", "redis"];

#[cfg(test)]
mod tests {
    use super::sources::{self, Use};
    use super::{ALLOWED, BACKENDS};

    fn allowed(module: &str) -> &'static [&'static str] {
        let row = ALLOWED.iter().find(|(name, _)| *name == module);
        row.unwrap_or_else(|| panic!("the module `{module}` is not in the table: give it a row, below everything that may use it")).1
    }

    #[test]
    fn every_module_uses_only_what_its_row_allows() {
        let wrong: Vec<String> = sources::uses()
            .into_iter()
            .filter(|found| found.from != "lib" && found.to != found.from && !allowed(&found.from).contains(&found.to.as_str()))
            .map(|Use { from, to, place }| format!("{place}: `{from}` uses `{to}`"))
            .collect();
        assert!(wrong.is_empty(), "these dependencies point the wrong way:\n  {}", wrong.join("\n  "));
    }

    #[test]
    fn the_table_has_no_circle() {
        for (at, (module, uses)) in ALLOWED.iter().enumerate() {
            for used in uses.iter().filter(|used| *used != module && **used != "__private") {
                let position = ALLOWED.iter().position(|(name, _)| name == used);
                assert!(position.is_some_and(|position| position < at), "`{module}` may use `{used}`, which stands below it");
            }
        }
    }

    fn is_test(file: &str) -> bool {
        file.starts_with("testing/") || file.ends_with("/tests.rs") || file.ends_with("_tests.rs")
    }

    #[test]
    fn a_backend_is_named_by_the_factory_alone() {
        let wrong: Vec<String> = sources::backend_uses(BACKENDS)
            .into_iter()
            .filter(|found| !["app/factory.rs", "broker/mod.rs"].contains(&found.from.as_str()) && !is_test(&found.from))
            .map(|found| format!("{}: names the backend `{}`", found.place, found.to))
            .collect();
        assert!(wrong.is_empty(), "only the factory may name a backend:\n  {}", wrong.join("\n  "));
    }

    #[test]
    fn the_reader_sees_a_use_that_it_should_see() {
        let found = sources::uses_in("app", "use crate::{broker::{Admin, Broker}, handler as h}; fn f() { crate::cqrs::g(super::x()) }");
        let mut to: Vec<&str> = found.iter().map(|found| found.to.as_str()).collect();
        to.sort_unstable();
        assert_eq!(to, ["broker", "broker", "cqrs", "handler"]);
    }
}
