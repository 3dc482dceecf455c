//! Reading source files, and remembering which were read.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// The files that a scan looked at.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Cargo runs the build script again when one of these changes: files that were read, and, where a module's
    /// file was not found, the places where it could appear.
    pub(crate) watched: BTreeSet<PathBuf>,
    base: PathBuf,
}

impl Sources {
    /// Places are told relative to the folder.
    pub(crate) fn new(base: &Path) -> Self {
        Self { base: base.to_owned(), ..Self::default() }
    }

    /// The text of a file, if it is there.
    pub(crate) fn read(&mut self, path: &Path) -> Option<String> {
        self.watched.insert(tidy(path));
        std::fs::read_to_string(path).ok()
    }

    /// The first of the paths that is a file; if none is, all of them are watched.
    pub(crate) fn first_existing(&mut self, candidates: &[PathBuf]) -> Option<PathBuf> {
        let found = candidates.iter().find(|path| path.is_file()).cloned();
        if found.is_none() {
            self.watched.extend(candidates.iter().map(|path| tidy(path)));
        }
        found
    }

    /// How a file is told to the user.
    pub(crate) fn display(&self, path: &Path) -> String {
        let path = tidy(path);
        relative(&path, &self.base).unwrap_or(path).display().to_string().replace('\\', "/")
    }
}

/// The path from the folder to the file, with `..` where it lies beside it, as long as that is shorter than the
/// whole path would suggest: at most three steps up.
fn relative(path: &Path, base: &Path) -> Option<PathBuf> {
    let base = tidy(base);
    let (up, ancestor) =
        base.ancestors().take(4).enumerate().find(|(_, ancestor)| path.starts_with(ancestor) && ancestor.parent().is_some())?;
    let below = path.strip_prefix(ancestor).ok()?;
    Some(std::iter::repeat_n(Path::new(".."), up).collect::<PathBuf>().join(below))
}

/// The path without `.` and `x/..`.
pub(crate) fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}
