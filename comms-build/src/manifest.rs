//! What `Cargo.toml` says of a package: its name and the crate roots that cargo will compile.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::diagnosis::Diagnosis;

/// A package on disk.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    pub(crate) targets: Vec<Target>,
    /// The names under which its code knows the crate `comms`.
    pub(crate) comms_names: Vec<String>,
}

/// A library or binary of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: TargetKind,
    /// The root file.
    pub(crate) path: PathBuf,
}

/// Which of the two, with its name as cargo spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Lib(String),
    Bin(String),
}

impl Target {
    /// The name of the crate in Rust code.
    pub(crate) fn crate_name(&self) -> String {
        let (TargetKind::Lib(name) | TargetKind::Bin(name)) = &self.kind;
        name.replace('-', "_")
    }

    /// The name of its generated files, without extension.
    pub(crate) fn file_stem(&self) -> String {
        match &self.kind {
            TargetKind::Lib(_) => "lib".to_owned(),
            TargetKind::Bin(name) => format!("bin-{name}"),
        }
    }

    pub(crate) fn is_lib(&self) -> bool {
        matches!(self.kind, TargetKind::Lib(_))
    }
}

impl Package {
    /// Reads the `Cargo.toml` in the folder.
    pub(crate) fn read(dir: &Path) -> Result<Self, Diagnosis> {
        let path = dir.join("Cargo.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error.to_string()))?;
        let manifest: Table = text.parse().map_err(|error: toml::de::Error| unreadable(&path, error.message()))?;
        let name = text_at(&manifest, "package", "name").ok_or_else(|| unreadable(&path, "it has no `package.name`"))?;
        let targets = targets(dir, &name, &manifest);
        Ok(Self { comms_names: comms_names(&manifest), name, dir: dir.to_owned(), targets })
    }

    /// Reads the package that a folder belongs to: the folder itself, or the nearest one above it.
    pub(crate) fn containing(dir: &Path) -> Result<Self, Diagnosis> {
        if !dir.is_dir() {
            // A package above it would be another one than meant.
            return Err(unreadable(dir, "there is no such folder"));
        }
        let owner = dir.ancestors().find(|dir| dir.join("Cargo.toml").is_file());
        Self::read(owner.unwrap_or(dir))
    }

    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.dir.join("Cargo.toml")
    }

    pub(crate) fn lib(&self) -> Option<&Target> {
        self.targets.iter().find(|target| target.is_lib())
    }
}

fn unreadable(path: &Path, why: &str) -> Diagnosis {
    let cause = format!("could not read `{}`: {why}", path.display());
    Diagnosis::error(None, cause, "Paths given to comms-build are folders of packages, relative to the package whose build script runs")
}

fn text_at(manifest: &Table, table: &str, key: &str) -> Option<String> {
    manifest.get(table)?.get(key)?.as_str().map(str::to_owned)
}

fn targets(dir: &Path, package: &str, manifest: &Table) -> Vec<Target> {
    let mut targets: Vec<Target> = lib(dir, package, manifest).into_iter().collect();
    let declared = manifest.get("bin").and_then(Value::as_array).into_iter().flatten();
    for bin in declared.filter_map(|bin| declared_bin(dir, package, bin)) {
        push_new(&mut targets, bin);
    }
    if manifest.get("package").and_then(|package| package.get("autobins")).and_then(Value::as_bool) != Some(false) {
        for bin in discovered_bins(dir, package) {
            push_new(&mut targets, bin);
        }
    }
    targets
}

/// A declared binary hides a discovered one of its file.
fn push_new(targets: &mut Vec<Target>, target: Target) {
    if targets.iter().all(|known| known.path != target.path && known.kind != target.kind) {
        targets.push(target);
    }
}

fn lib(dir: &Path, package: &str, manifest: &Table) -> Option<Target> {
    let path = text_at(manifest, "lib", "path").unwrap_or_else(|| "src/lib.rs".to_owned());
    let name = text_at(manifest, "lib", "name").unwrap_or_else(|| package.to_owned());
    let path = dir.join(path);
    path.is_file().then_some(Target { kind: TargetKind::Lib(name), path })
}

fn declared_bin(dir: &Path, package: &str, bin: &Value) -> Option<Target> {
    let name = bin.get("name")?.as_str()?.to_owned();
    let path = match bin.get("path").and_then(Value::as_str) {
        Some(path) => dir.join(path),
        None => default_bin_paths(dir, package, &name).into_iter().find(|path| path.is_file())?,
    };
    Some(Target { kind: TargetKind::Bin(name), path })
}

fn default_bin_paths(dir: &Path, package: &str, name: &str) -> Vec<PathBuf> {
    let bins = dir.join("src/bin");
    let mut paths = vec![bins.join(format!("{name}.rs")), bins.join(name).join("main.rs")];
    if name == package {
        paths.push(dir.join("src/main.rs"));
    }
    paths
}

fn discovered_bins(dir: &Path, package: &str) -> Vec<Target> {
    let bin = |name: &str, path: PathBuf| path.is_file().then(|| Target { kind: TargetKind::Bin(name.to_owned()), path });
    let mut bins: Vec<Target> = bin(package, dir.join("src/main.rs")).into_iter().collect();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir.join("src/bin"))
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    entries.sort();
    for path in entries {
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned) else { continue };
        if path.extension().is_some_and(|extension| extension == "rs") {
            bins.extend(bin(&stem, path));
        } else {
            bins.extend(bin(&stem, path.join("main.rs")));
        }
    }
    bins
}

/// `comms`, and what a `[dependencies]` entry with `package = "comms"` calls it.
fn comms_names(manifest: &Table) -> Vec<String> {
    let mut names = vec!["comms".to_owned()];
    let tables = ["dependencies", "dev-dependencies"].iter().filter_map(|table| manifest.get(*table)?.as_table());
    for (name, dependency) in tables.flatten() {
        if dependency.get("package").and_then(Value::as_str) == Some("comms") {
            names.push(name.replace('-', "_"));
        }
    }
    names
}
