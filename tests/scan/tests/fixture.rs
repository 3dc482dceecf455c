//! Small packages in a temporary folder, built with cargo without a network.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A package on disk. One exists at a time: all of them are built in one place.
pub(crate) struct Fixture {
    folder: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

/// What cargo said.
pub(crate) struct Said {
    success: bool,
    pub(crate) text: String,
}

impl Fixture {
    /// A package of `fixtures/<name>`.
    pub(crate) fn folder(name: &str) -> Self {
        let fixture = Self::empty(name);
        copy(&fixtures().join(name), &fixture.folder);
        fixture
    }

    /// A library of `fixtures/refused/<name>.rs`.
    pub(crate) fn lib(name: &str) -> Self {
        Self::with_root(name, "src/lib.rs", "comms::wiring!();\n")
    }

    /// The same as a binary.
    pub(crate) fn bin(name: &str) -> Self {
        Self::with_root(name, "src/main.rs", "comms::main!();\n")
    }

    fn with_root(name: &str, root: &str, wiring: &str) -> Self {
        let fixture = Self::empty("refused");
        let text = read(&fixtures().join("refused").join(format!("{name}.rs")));
        fixture.write(root, &(text + wiring));
        fixture.write("included.txt", &read(&fixtures().join("refused/included.txt")));
        fixture.write("build.rs", "fn main() { comms_build::configure().run() }\n");
        fixture
    }

    /// The program of the README's five minutes, with this done to it.
    pub(crate) fn readme(change: impl FnOnce(String) -> String) -> Self {
        let readme = read(&workspace().join("README.md"));
        let (_, behind) = readme.split_once("`src/main.rs`:").expect("the README names the file");
        let code = behind.split_once("```rust\n").and_then(|(_, rest)| rest.split_once("```")).expect("a block of Rust").0;
        let fixture = Self::empty("readme");
        fixture.write("src/main.rs", &change(code.to_owned()));
        fixture.write("build.rs", "fn main() { comms_build::configure().run(); }\n");
        fixture
    }

    fn empty(name: &str) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let fixture = Self { folder: temporary().join(name), _alone: alone };
        // Cargo goes by times: what is written anew is newer than what was built before.
        let _ = std::fs::remove_dir_all(&fixture.folder);
        fixture.write("Cargo.toml", &located(MANIFEST));
        fixture.write("Cargo.lock", &read(&workspace().join("Cargo.lock")));
        copy(&fixtures().join("foreign"), &fixture.folder.join("foreign"));
        fixture
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("could not write {}: {error}", path.display()));
    }

    /// Runs cargo in the package.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO"));
        command.args(arguments).args(["--offline", "--color", "never"]).current_dir(&self.folder);
        command.env("CARGO_TARGET_DIR", temporary().join("target"));
        // Of the outer build, and not meant for the inner one.
        command.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
        let output = command.output().expect("cargo can be started");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        Said { success: output.status.success(), text }
    }
}

impl Said {
    #[track_caller]
    pub(crate) fn assert_success(&self) {
        assert!(self.success, "cargo failed:\n{}", self.text);
    }

    /// It failed with all of these words. Line breaks of the compiler's own do not count.
    #[track_caller]
    pub(crate) fn assert_refused(&self, expected: &[&str]) {
        assert!(!self.success, "cargo succeeded, but should have said {expected:#?}:\n{}", self.text);
        for words in expected {
            assert!(self.text.contains(words), "`{words}` is not in what cargo said:\n{}", self.text);
        }
    }
}

const MANIFEST: &str = r#"[package]
name = "fixture"
version = "0.1.0"
edition = "2024"

[workspace]

[profile.dev]
debug = false
incremental = false

[dependencies]
comms = { path = "ROOT/comms", default-features = false, features = ["http"] }
foreign = { path = "foreign" }

[build-dependencies]
comms-build = { path = "ROOT/comms-build" }
"#;

fn temporary() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("scan")
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders up").to_owned()
}

/// The text of a manifest, its paths into this workspace written out.
fn located(manifest: &str) -> String {
    manifest.replace("ROOT/", &format!("{}/", workspace().display().to_string().replace('\\', "/")))
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("could not read {}: {error}", path.display()))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).unwrap_or_else(|error| panic!("could not read {}: {error}", from.display())) {
        let entry = entry.expect("an entry").path();
        // A manifest stands there under another name, so that it is no package of this workspace.
        let name = entry.file_name().expect("a name").to_string_lossy().replace("Cargo.toml.txt", "Cargo.toml");
        if entry.is_dir() {
            copy(&entry, &to.join(name));
        } else {
            std::fs::write(to.join(name), located(&read(&entry))).expect("a file can be written");
        }
    }
}
