//! The shell around the generator: environment in, files and lines for cargo out.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::diagnosis::Severity;
use crate::generate::Generated;

/// Generates for the package that cargo names in the environment.
pub(crate) fn run(generate: impl FnOnce(&Path) -> Generated) {
    let told = match (folder("CARGO_MANIFEST_DIR"), folder("OUT_DIR")) {
        (Ok(package), Ok(out)) => generate_into(&out, generate(&package)),
        (Err(error), _) | (_, Err(error)) => error_line(&error),
    };
    // Nobody reads a closed pipe: cargo is gone then.
    let _ = std::io::stdout().write_all(told.as_bytes());
}

/// Files are written beside errors too, so that an editor goes on with what is right.
fn generate_into(out: &Path, generated: Generated) -> String {
    let folder = out.join("comms");
    let written = generated.files.iter().map(|(name, text)| write_changed(&folder.join(name), text));
    let failed: String = written.filter_map(Result::err).map(|error| error_line(&error)).collect();
    instructions(&generated) + &protos(&folder, &generated) + &failed
}

/// Where `comms::proto!()` finds what it takes in. Without it, the macro says what is missing.
fn protos(folder: &Path, generated: &Generated) -> String {
    let has_any = generated.files.iter().any(|(name, _)| name == "proto/mod.rs");
    if has_any { format!("cargo::rustc-env=COMMS_PROTO={}\n", folder.join("proto").display()) } else { String::new() }
}

fn folder(variable: &str) -> Result<PathBuf, String> {
    std::env::var_os(variable).map(PathBuf::from).ok_or_else(|| {
        format!("comms-build reads `{variable}`, which cargo sets for build scripts. Call `comms_build::configure().run()` from build.rs")
    })
}

fn error_line(error: &str) -> String {
    format!("cargo::error={}\n", error.replace('\n', " "))
}

/// The lines that cargo reads.
pub(crate) fn instructions(generated: &Generated) -> String {
    let mut lines = String::new();
    for path in &generated.watched {
        lines += &format!("cargo::rerun-if-changed={}\n", path.display());
    }
    for diagnosis in &generated.diagnoses {
        let kind = if diagnosis.severity == Severity::Error { "error" } else { "warning" };
        lines += &format!("cargo::{kind}={diagnosis}\n");
    }
    lines + &format!("cargo::rustc-env=COMMS_INDEX={}\n", generated.index)
}

/// Leaves a file alone whose text is the same, so that nothing is compiled again for its sake.
pub(crate) fn write_changed(path: &Path, text: &str) -> Result<(), String> {
    if std::fs::read_to_string(path).is_ok_and(|current| current == text) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text)).map_err(|error| {
        format!("could not write `{}`: {error}. It lies in cargo's OUT_DIR: is the disk full, or the folder read-only?", path.display())
    })
}
