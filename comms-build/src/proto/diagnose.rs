//! What the compiler of `.proto` files says, at its place and with the way out.

use std::path::{Path, PathBuf};

use miette::{Diagnostic, SourceCode};
use protox::Error;

use crate::diagnosis::{Diagnosis, Place};
use crate::scan::sources::Sources;

/// Files by the names that they have in imports.
pub(super) struct Names {
    sources: Sources,
    folders: Vec<PathBuf>,
}

impl Names {
    pub(super) fn new(package: &Path, folders: Vec<PathBuf>) -> Self {
        Self { sources: Sources::new(package), folders }
    }

    /// How the file of that name is told to the user.
    pub(super) fn display(&self, name: &str) -> String {
        let found = self.folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        found.map_or_else(|| name.to_owned(), |path| self.sources.display(&path))
    }

    fn folders(&self) -> String {
        let folders = self.folders.iter().map(|folder| format!("`{}`", self.sources.display(folder)));
        folders.collect::<Vec<_>>().join(", ")
    }

    /// Whether a file that the build script names can be read at all.
    pub(super) fn check(&self, path: &Path) -> Result<(), Diagnosis> {
        let told = self.sources.display(path);
        if !path.is_file() {
            let cause = format!("`{told}`, which `.proto(..)` in build.rs names, is not there");
            return Err(Diagnosis::error(None, cause, "Correct the path: it is relative to the folder of Cargo.toml"));
        }
        if !self.folders.iter().any(|folder| path.starts_with(folder)) {
            let cause = format!("`{told}`, which `.proto(..)` in build.rs names, lies in none of the include folders {}", self.folders());
            return Err(Diagnosis::error(None, cause, "Name the folder in which its imports begin with `.include(..)`"));
        }
        Ok(())
    }
}

/// Everything that the compiler found at once.
pub(super) fn all(error: &Error, names: &Names) -> Vec<Diagnosis> {
    let way_out = way_out(error, names);
    let further = error.related().into_iter().flatten();
    let parts = std::iter::once(error as &dyn Diagnostic).chain(further);
    parts.map(|part| one(part, error, names, &way_out)).collect()
}

/// A further error may have no source of its own: then it is the first one's.
fn one(part: &dyn Diagnostic, whole: &Error, names: &Names, way_out: &str) -> Diagnosis {
    let spot = part.source_code().or(whole.source_code()).and_then(|source| spot(part, source));
    let file = spot.as_ref().and_then(|spot| spot.file.clone()).or(whole.file().map(ToOwned::to_owned));
    let place = file.map(|name| Place { file: names.display(&name), line: spot.as_ref().map_or(1, |spot| spot.line) });
    let help = part.help().map(|help| help.to_string());
    let diagnosis = Diagnosis::error(place, sentence(&part.to_string()), sentence(help.as_deref().unwrap_or(way_out)));
    match spot {
        Some(spot) => diagnosis.at_column(spot.column),
        None => diagnosis,
    }
}

/// Where in a file, from 1.
struct Spot {
    file: Option<String>,
    line: usize,
    column: usize,
}

fn spot(part: &dyn Diagnostic, source: &dyn SourceCode) -> Option<Spot> {
    let label = part.labels()?.next()?;
    let contents = source.read_span(label.inner(), 0, 0).ok()?;
    Some(Spot { file: contents.name().map(ToOwned::to_owned), line: contents.line() + 1, column: contents.column() + 1 })
}

fn way_out(error: &Error, names: &Names) -> String {
    if error.is_file_not_found() {
        format!("Correct the name, which is relative to an include folder ({}), or name another one with `.include(..)`", names.folders())
    } else if error.is_parse() {
        "Correct it: what follows in the file was not read".to_owned()
    } else {
        "Correct it there: a name is looked for in its own package and in what the file imports".to_owned()
    }
}

/// A text as the first word of a sentence or after a place, without its full stop.
fn sentence(text: &str) -> String {
    text.trim_end_matches('.').to_owned()
}
