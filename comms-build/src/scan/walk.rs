//! The module tree of a crate, as the compiler would walk it.

use std::path::{Path, PathBuf};

use comms_syntax::names;
use syn::{Attribute, Expr, ExprLit, Item, ItemMacro, ItemMod, ItemTrait, Lit, Meta, Visibility};

use super::bodies::without_bodies;
use super::cfg::{self, Cfg, Conditional};
use super::reach::{Barrier, is_visible_in_root};
use super::scope::{Scope, segments};
use super::sources::{Sources, tidy};
use crate::diagnosis::Place;

/// What a walk found: every module with its names, and every item that has attributes.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) modules: Vec<Module>,
    pub(crate) items: Vec<Found>,
    /// Macros called in the root file: `comms::wiring`, with their arguments.
    pub(crate) root_macros: Vec<(Vec<String>, String)>,
    /// A file could not be read as Rust; the compiler will say why.
    pub(crate) incomplete: bool,
}

/// A module; the first one is the crate root.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) parent: Option<usize>,
    /// Its path without the crate's name.
    pub(crate) path: Vec<String>,
    pub(crate) file: String,
    /// Its own conditions and those of the modules around it.
    pub(crate) cfgs: Vec<Cfg>,
    /// What keeps the crate root from naming its items, if anything does.
    pub(crate) barrier: Option<Barrier>,
    /// Whether other crates can name it.
    pub(crate) exported: bool,
    /// `comms::proto!()` stands in it.
    pub(crate) protos: bool,
    pub(crate) scope: Scope,
}

/// An item with attributes.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) module: usize,
    pub(crate) attributes: Vec<Conditional>,
    pub(crate) item: Item,
}

/// Where the files of a module's children are looked for.
#[derive(Clone)]
struct Folders {
    /// The folder of the file being read: `#[path]` starts here.
    file: PathBuf,
    /// The folder of child modules.
    children: PathBuf,
    /// Within `mod a { .. }`, where `#[path]` starts at `children`.
    inline: bool,
}

impl Folders {
    /// A file that owns its folder: a crate root, a `mod.rs`, or one named by `#[path]`.
    fn owning(file: &Path) -> Self {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        Self { children: folder.clone(), file: folder, inline: false }
    }

    /// `a.rs`, whose children are in `a/`.
    fn beside(file: &Path, name: &str) -> Self {
        let owning = Self::owning(file);
        Self { children: owning.children.join(name), ..owning }
    }

    fn path_base(&self) -> &Path {
        if self.inline { &self.children } else { &self.file }
    }
}

/// Walks a crate from its root file.
pub(crate) fn walk(root: &Path, sources: &mut Sources) -> Tree {
    let mut walk = Walk { sources, tree: Tree::default(), open: Vec::new() };
    let display = walk.sources.display(root);
    let module = Module {
        parent: None,
        path: Vec::new(),
        file: display,
        cfgs: Vec::new(),
        barrier: None,
        exported: true,
        protos: false,
        scope: Scope::default(),
    };
    walk.tree.modules.push(module);
    walk.file(0, root, &Folders::owning(root));
    walk.tree
}

struct Walk<'a> {
    sources: &'a mut Sources,
    tree: Tree,
    /// The files being read, so that a file that names itself ends.
    open: Vec<PathBuf>,
}

impl Walk<'_> {
    fn file(&mut self, module: usize, path: &Path, folders: &Folders) {
        let tidy = tidy(path);
        if self.open.contains(&tidy) {
            return;
        }
        let file = self.sources.read(path).and_then(|text| parse(&text));
        let Some(file) = file else {
            self.tree.incomplete = true;
            return;
        };
        let conditions = cfg::conditions(&cfg::resolve(&file.attrs));
        self.tree.modules[module].cfgs.extend(conditions);
        self.open.push(tidy);
        self.items(module, file.items, folders);
        self.open.pop();
    }

    fn items(&mut self, module: usize, items: Vec<Item>, folders: &Folders) {
        for item in items {
            self.tree.modules[module].scope.declare(&item);
            match item {
                Item::Mod(item) => self.child(module, item, folders),
                Item::Macro(item) => self.called(module, &item),
                item => self.keep(module, item),
            }
        }
    }

    fn called(&mut self, module: usize, item: &ItemMacro) {
        let path = segments(&item.mac.path);
        self.tree.modules[module].protos |= path.last().is_some_and(|name| name == "proto");
        if module == 0 {
            self.tree.root_macros.push((path, item.mac.tokens.to_string()));
        }
    }

    fn keep(&mut self, module: usize, item: Item) {
        let attributes = match &item {
            Item::Struct(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Trait(item) => {
                self.declare_beside(module, item);
                &item.attrs
            }
            _ => return,
        };
        let attributes = cfg::resolve(attributes);
        if attributes.iter().any(|attribute| !is_builtin(&attribute.meta)) {
            self.tree.items.push(Found { module, attributes, item });
        }
    }

    /// What `#[service]` and `#[client]` put beside a trait has names too.
    fn declare_beside(&mut self, module: usize, item: &ItemTrait) {
        let ours =
            |attribute: &Attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "service" || last.ident == "client");
        if item.attrs.iter().any(ours) {
            let names = ["Client", "Fake"].map(|suffix| names::beside(&item.ident, suffix).to_string());
            self.tree.modules[module].scope.items.extend(names);
        }
    }

    fn child(&mut self, parent: usize, mut item: ItemMod, folders: &Folders) {
        let attributes = cfg::resolve(&item.attrs);
        let own = cfg::conditions(&attributes);
        let mut paths = paths(&attributes);
        if paths.iter().all(|(condition, _)| condition.is_some()) {
            let elsewhere = paths.iter().filter_map(|(condition, _)| condition.as_ref().map(Cfg::not)).collect();
            paths.push((None, Location::Default(elsewhere)));
        }
        let mut content = item.content.take().map(|(_, items)| items);
        let last = paths.len() - 1;
        for (at, (condition, location)) in paths.into_iter().enumerate() {
            let mut cfgs = own.clone();
            cfgs.extend(condition);
            if let Location::Default(elsewhere) = &location {
                cfgs.extend(elsewhere.iter().cloned());
            }
            let child = self.add(parent, &item, cfgs);
            match if at == last { content.take() } else { content.clone() } {
                Some(items) => self.inline(child, &item, items, &location, folders),
                None => self.outline(child, &item, &location, folders),
            }
        }
    }

    fn add(&mut self, parent: usize, item: &ItemMod, own: Vec<Cfg>) -> usize {
        let index = self.tree.modules.len();
        let name = item.ident.to_string();
        let above = &self.tree.modules[parent];
        let place = Place { file: above.file.clone(), line: item.ident.span().start().line };
        let hidden = !is_visible_in_root(&item.vis, above.path.len());
        let barrier = above.barrier.clone().or_else(|| hidden.then(|| Barrier { declaration: format!("mod {name}"), place }));
        let path = above.path.iter().cloned().chain([name.clone()]).collect();
        let cfgs = above.cfgs.iter().cloned().chain(own).collect();
        let exported = above.exported && matches!(item.vis, Visibility::Public(_));
        let file = above.file.clone();
        let module = Module { parent: Some(parent), path, file, cfgs, barrier, exported, protos: false, scope: Scope::default() };
        self.tree.modules.push(module);
        self.tree.modules[parent].scope.modules.push((name, index));
        index
    }

    fn inline(&mut self, module: usize, item: &ItemMod, items: Vec<Item>, location: &Location, folders: &Folders) {
        let children = match location {
            Location::Path(path) => folders.path_base().join(path),
            Location::Default(_) => folders.children.join(file_name(item)),
        };
        let folders = Folders { children, inline: true, ..folders.clone() };
        self.items(module, items, &folders);
    }

    fn outline(&mut self, module: usize, item: &ItemMod, location: &Location, folders: &Folders) {
        let name = file_name(item);
        let (candidates, owning) = match location {
            Location::Path(path) => (vec![folders.path_base().join(path)], true),
            Location::Default(_) => (vec![folders.children.join(format!("{name}.rs")), folders.children.join(&name).join("mod.rs")], false),
        };
        // A module without a file is the compiler's to refuse; under a `#[cfg]` that is off it is fine.
        let Some(file) = self.sources.first_existing(&candidates) else { return };
        self.tree.modules[module].file = self.sources.display(&file);
        let owning = owning || file == candidates[candidates.len() - 1];
        let inner = if owning { Folders::owning(&file) } else { Folders::beside(&file, &name) };
        self.file(module, &file, &inner);
    }
}

/// Bodies are left out where that works, because parsing them takes most of the time.
fn parse(text: &str) -> Option<syn::File> {
    syn::parse_file(&without_bodies(text)).or_else(|_| syn::parse_file(text)).ok()
}

/// Where a module's source is.
enum Location {
    /// Where its name says; with the conditions under which no `#[path]` says otherwise.
    Default(Vec<Cfg>),
    /// Where `#[path]` says.
    Path(String),
}

fn paths(attributes: &[Conditional]) -> Vec<(Option<Cfg>, Location)> {
    let paths = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => Some((attribute.condition.clone(), Location::Path(path.value()))),
            _ => None,
        },
        _ => None,
    });
    paths.collect()
}

fn file_name(item: &ItemMod) -> String {
    let name = item.ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

fn is_builtin(meta: &Meta) -> bool {
    const BUILTIN: [&str; 12] =
        ["doc", "derive", "cfg", "allow", "expect", "warn", "deny", "forbid", "inline", "must_use", "non_exhaustive", "test"];
    BUILTIN.iter().any(|name| meta.path().is_ident(name))
}
