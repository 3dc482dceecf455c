//! A package in a temporary folder.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::diagnosis::Severity;
use crate::{Configure, Generated, configure};

/// Sources on disk, gone when dropped.
pub(super) struct Project(PathBuf);

impl Project {
    /// A package `shop` without sources.
    pub(super) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("comms-build-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name)).file("Cargo.toml", "[package]\nname = \"shop\"\n")
    }

    /// A package whose library root holds the text and `comms::wiring!()`.
    pub(super) fn lib(text: &str) -> Self {
        Self::new().file("src/lib.rs", &format!("{PRELUDE}\n{text}\ncomms::wiring!();\n"))
    }

    /// Adds a file.
    pub(super) fn file(self, path: &str, text: &str) -> Self {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
        self
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Generates with the defaults.
    pub(super) fn generate(&self) -> Generated {
        self.with(configure())
    }

    pub(super) fn with(&self, configure: Configure) -> Generated {
        configure.generate(&self.0)
    }

    /// The errors, with the defaults.
    pub(super) fn errors(&self) -> Vec<String> {
        errors(&self.generate())
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // What can't be removed is the temporary folder's to lose.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the roots of tests import, in one line: the text begins in line 2.
pub(super) const PRELUDE: &str = "use comms::{command, delete, event, event_handler, get, post, provider, query, service, Publisher};";

pub(super) fn errors(generated: &Generated) -> Vec<String> {
    of(generated, Severity::Error)
}

pub(super) fn warnings(generated: &Generated) -> Vec<String> {
    of(generated, Severity::Warning)
}

fn of(generated: &Generated, severity: Severity) -> Vec<String> {
    generated.diagnoses.iter().filter(|it| it.severity == severity).map(ToString::to_string).collect()
}

/// The text of a generated file.
pub(super) fn text<'a>(generated: &'a Generated, name: &str) -> &'a str {
    let found = generated.files.iter().find(|(file, _)| file == name);
    &found
        .unwrap_or_else(|| {
            panic!("no `{name}` among {:?}; {:?}", generated.files.iter().map(|it| &it.0).collect::<Vec<_>>(), generated.diagnoses)
        })
        .1
}

/// Exactly these errors, each told by a part of its text.
#[track_caller]
pub(super) fn assert_errors(project: &Project, expected: &[&str]) {
    let found = project.errors();
    let fit = found.len() == expected.len() && found.iter().zip(expected).all(|(found, expected)| found.contains(expected));
    assert!(fit, "expected {expected:#?}, found {found:#?}");
}
