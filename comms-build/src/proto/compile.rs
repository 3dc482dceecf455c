//! Reading `.proto` files: which file is meant by a name, and what was looked at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use prost_types::FileDescriptorSet;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use protox::{Compiler, Error};

use super::Protos;
use super::diagnose::{self, Names};
use crate::diagnosis::Diagnosis;
use crate::scan::sources::tidy;

/// What Google's own files begin with: they come with the compiler.
const WELL_KNOWN: &str = "google/protobuf/";

/// The files of a package and everything that they import.
pub(super) struct Compiled {
    pub(super) descriptors: FileDescriptorSet,
    pub(super) names: Names,
}

/// Reads the files and everything that they import.
///
/// Every file is tried, so that a build tells the mistakes of all of them.
pub(super) fn compile(package: &Path, protos: &Protos, watched: &mut BTreeSet<PathBuf>) -> Result<Compiled, Vec<Diagnosis>> {
    let includes = Includes::of(package, protos);
    let names = Names::new(package, includes.folders.clone());
    let looked_at = Arc::clone(&includes.looked_at);
    let mut compiler = compiler(includes);
    let mut found = Vec::new();
    for file in &protos.files {
        let path = tidy(&package.join(file));
        watched.insert(path.clone());
        match names.check(&path) {
            Ok(()) => found.extend(compiler.open_file(&path).err().map(|error| diagnose::all(&error, &names)).into_iter().flatten()),
            Err(diagnosis) => found.push(diagnosis),
        }
    }
    watched.append(&mut looked_at.lock().unwrap_or_else(PoisonError::into_inner));
    if found.is_empty() { Ok(Compiled { descriptors: compiler.file_descriptor_set(), names }) } else { Err(found) }
}

fn compiler(includes: Includes) -> Compiler {
    let mut resolver = ChainFileResolver::new();
    resolver.add(includes);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    compiler
}

/// Finds files below the include folders, and remembers where it looked.
struct Includes {
    folders: Vec<PathBuf>,
    looked_at: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Includes {
    fn of(package: &Path, protos: &Protos) -> Self {
        let given: Vec<PathBuf> = protos.includes.iter().map(|folder| tidy(&package.join(folder))).collect();
        let guessed = || protos.files.iter().map(|file| root_of(&tidy(&package.join(file)))).collect::<BTreeSet<_>>().into_iter().collect();
        let folders = if given.is_empty() { guessed() } else { given };
        Self { folders, looked_at: Arc::default() }
    }

    fn note(&self, paths: impl IntoIterator<Item = PathBuf>) {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).extend(paths);
    }
}

/// Where names of imports begin, when nobody says: the nearest folder above that is called `proto` or `protos`, else
/// the file's own.
fn root_of(file: &Path) -> PathBuf {
    let named = |folder: &&Path| folder.file_name().is_some_and(|name| name == "proto" || name == "protos");
    let own = file.parent().unwrap_or(Path::new(""));
    own.ancestors().find(named).unwrap_or(own).to_owned()
}

impl FileResolver for Includes {
    fn resolve_path(&self, path: &Path) -> Option<String> {
        let below = self.folders.iter().find_map(|folder| path.strip_prefix(folder).ok())?;
        Some(below.to_str()?.replace('\\', "/"))
    }

    fn open_file(&self, name: &str) -> Result<File, Error> {
        let candidates = || self.folders.iter().map(|folder| folder.join(name));
        if let Some(path) = candidates().find(|path| path.is_file()) {
            self.note([path.clone()]);
            return File::open(name, &path);
        }
        // Where it could appear; but a path that is never there would run the build script every time.
        if !name.starts_with(WELL_KNOWN) {
            self.note(candidates());
        }
        Err(Error::file_not_found(name))
    }
}
