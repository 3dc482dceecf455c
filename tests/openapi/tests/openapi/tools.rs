//! The Python that has the tools.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs a program of it on these arguments; `COMMS_TEST_OPENAPI_PYTHON` names it.
pub(crate) fn python(module: &str) -> Command {
    let python = std::env::var("COMMS_TEST_OPENAPI_PYTHON").unwrap_or_default();
    assert!(
        !python.is_empty(),
        "COMMS_TEST_OPENAPI_PYTHON is not set: it names the Python that has openapi-spec-validator and schemathesis. Run this through `./test`, or `COMMS_TEST_OPENAPI_PYTHON=$(tests/servers/install-openapi-python) cargo test`"
    );
    let mut command = Command::new(python);
    command.args(["-m", module]);
    command
}

/// A folder for a test to write into, gone when dropped.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("comms-openapi-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("it can be written");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind stays in the folder for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
