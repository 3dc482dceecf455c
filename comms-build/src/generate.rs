//! From packages on disk to files and diagnoses, without environment and without writing anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::check::{self, Rules, config};
use crate::diagnosis::{Diagnosis, Severity};
use crate::emit::{index, mermaid, topology, wiring};
use crate::manifest::{Package, Target, TargetKind};
use crate::model::{Client, Contract, Crate, Message, Role, World};
use crate::proto::ProtoServices;
use crate::scan::read::{Known, Reader};
use crate::scan::resolve::Krate;
use crate::scan::sources::{Sources, tidy};
use crate::scan::walk::{Tree, walk};

/// What a build script has to write, print and watch.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Generated {
    /// Files below `OUT_DIR/comms`, with their text.
    pub files: Vec<(String, String)>,
    /// What is wrong, by place.
    pub diagnoses: Vec<Diagnosis>,
    /// What the build depends on.
    pub watched: BTreeSet<PathBuf>,
    /// The value of `COMMS_INDEX`, which the expansions of annotated items look at.
    pub index: String,
}

impl Generated {
    /// Whether something fails the build.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnoses.iter().any(|it| it.severity == Severity::Error)
    }
}

/// What to look at besides the package itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) rules: Rules,
    pub(crate) contracts: Vec<PathBuf>,
    pub(crate) system: Vec<PathBuf>,
}

/// Looks at the package in the folder and generates what its roots include.
pub(crate) fn generate(dir: &Path, request: &Request, protos: &ProtoServices) -> Generated {
    let package = match Package::read(dir) {
        Ok(package) => package,
        Err(diagnosis) => return Generated { diagnoses: vec![diagnosis], ..Generated::default() },
    };
    let mut sources = Sources::new(dir);
    let mut diagnoses = Vec::new();
    let mut walked = walk_package(&package, None, &mut sources);
    let mut known = BTreeSet::from([package.dir.clone()]);
    for (paths, role) in [(&request.contracts, Role::Contracts), (&request.system, Role::Member)] {
        for path in paths {
            match Package::containing(&tidy(&dir.join(path))) {
                Ok(other) if known.insert(other.dir.clone()) => walked.extend(walk_package(&other, Some(role), &mut sources)),
                Ok(_) => {}
                Err(diagnosis) => diagnoses.push(diagnosis),
            }
        }
    }
    let world = read(walked, &package.comms_names, protos);
    diagnoses.extend(check::all(&world, &request.rules, protos));
    diagnoses.extend(check_config(&package, &world, &mut sources));
    Generated {
        files: files(&world, &package, !request.system.is_empty()),
        diagnoses: check::finish(diagnoses, &request.rules),
        index: index::text(&world.crates),
        watched: sources.watched,
    }
}

/// A crate that was walked and is still to be read.
struct Walked {
    krate: Krate,
    empty: Crate,
}

fn walk_package(package: &Package, role: Option<Role>, sources: &mut Sources) -> Vec<Walked> {
    sources.watched.insert(package.manifest_path());
    let targets: Vec<&Target> = match role {
        Some(Role::Contracts) => package.lib().into_iter().collect(),
        _ => package.targets.iter().collect(),
    };
    targets.into_iter().map(|target| walk_target(package, target, role, sources)).collect()
}

fn walk_target(package: &Package, target: &Target, role: Option<Role>, sources: &mut Sources) -> Walked {
    let tree = walk(&target.path, sources);
    let macros = RootMacros::of(&tree);
    let role = match (role, macros.generated) {
        (Some(role), _) => role,
        (None, true) => Role::Generated,
        (None, false) => Role::Other,
    };
    let index_key = match &target.kind {
        TargetKind::Lib(_) => format!("lib:{}", target.crate_name()),
        TargetKind::Bin(name) => format!("bin:{name}"),
    };
    let empty = Crate {
        name: target.crate_name(),
        package: package.name.clone(),
        role,
        stem: target.file_stem(),
        index_key,
        messages: Vec::new(),
        services: Vec::new(),
        handlers: Vec::new(),
        routes: Vec::new(),
        providers: Vec::new(),
        contracts: Vec::new(),
        implementations: Vec::new(),
        clients: Vec::new(),
        listed: Vec::new(),
        incomplete: tree.incomplete,
        runs: macros.runs,
    };
    Walked { krate: Krate { name: target.crate_name(), is_lib: target.is_lib(), tree }, empty }
}

/// What the root file asks for.
#[derive(Default)]
struct RootMacros {
    /// `comms::wiring!()`, or `comms::main!()` without arguments.
    generated: bool,
    /// The arguments of `comms::main!(a, b)`.
    runs: Vec<String>,
}

impl RootMacros {
    fn of(tree: &Tree) -> Self {
        let mut macros = Self::default();
        for (path, arguments) in &tree.root_macros {
            match path.last().map(String::as_str) {
                Some("wiring") => macros.generated = true,
                Some("main") if arguments.is_empty() => macros.generated = true,
                Some("main") => macros.runs = arguments.split(',').map(|name| name.trim().to_owned()).filter(|it| !it.is_empty()).collect(),
                _ => {}
            }
        }
        macros
    }
}

fn read(walked: Vec<Walked>, comms_names: &[String], protos: &ProtoServices) -> World {
    let (krates, mut crates): (Vec<Krate>, Vec<Crate>) = walked.into_iter().map(|it| (it.krate, it.empty)).unzip();
    let reader = Reader { krates: &krates, comms_names, protos };
    for (at, krate) in crates.iter_mut().enumerate() {
        reader.messages(at, krate);
        reader.contracts(at, krate);
    }
    let contracts: Vec<Vec<Contract>> = crates.iter().map(|krate| krate.contracts.clone()).collect();
    for (at, krate) in crates.iter_mut().enumerate() {
        reader.clients(at, &contracts, krate);
    }
    let messages: Vec<Vec<Message>> = crates.iter().map(|krate| krate.messages.clone()).collect();
    let clients: Vec<Vec<Client>> = crates.iter().map(|krate| krate.clients.clone()).collect();
    let known = Known { messages: &messages, contracts: &contracts, clients: &clients };
    for (at, krate) in crates.iter_mut().enumerate() {
        reader.services(at, &known, krate);
    }
    World { crates }
}

fn check_config(package: &Package, world: &World, sources: &mut Sources) -> Vec<Diagnosis> {
    let path = package.dir.join("comms.toml");
    // A file that is not there must not be watched: cargo would run the build script every time.
    if !path.is_file() {
        return Vec::new();
    }
    let text = sources.read(&path).unwrap_or_default();
    config::check("comms.toml", &text, &config::Names::of(world))
}

fn files(world: &World, package: &Package, is_system: bool) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for krate in world.crates.iter().filter(|krate| krate.role == Role::Generated) {
        files.push((format!("{}.rs", krate.stem), wiring::text(world, krate)));
        files.push((format!("{}.topology.json", krate.stem), topology::of_crate(world, krate)));
        files.push((format!("{}.topology.mmd", krate.stem), mermaid::graph(world, std::iter::once(krate))));
    }
    if is_system {
        let members = || world.crates.iter().filter(|krate| matches!(krate.role, Role::Member | Role::Generated));
        files.push(("system.topology.json".to_owned(), topology::of_system(world, &package.name, members())));
        files.push(("system.topology.mmd".to_owned(), mermaid::graph(world, members())));
    }
    files
}
