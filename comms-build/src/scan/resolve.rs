//! What a path means, as far as `use`, aliases, globs and the known crates tell.
//!
//! This is less than the compiler knows: names that macros make and globs over unknown crates stay unresolved,
//! and every check leaves those to the compiler.

use super::scope::EXTERN;
use super::walk::Tree;

/// A crate that was walked.
#[derive(Debug)]
pub(crate) struct Krate {
    /// Its name in Rust code.
    pub(crate) name: String,
    /// Whether other crates can name its items.
    pub(crate) is_lib: bool,
    pub(crate) tree: Tree,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Module {
        krate: usize,
        module: usize,
    },
    Item {
        krate: usize,
        module: usize,
        name: String,
    },
    /// Below `comms::proto!()`: what is generated of `.proto` files.
    Proto(Vec<String>),
    /// Into a crate that was not walked.
    External(Vec<String>),
    /// Nobody can tell without the compiler.
    Unknown,
}

/// Attributes live beside types: a module may have an import and a child of one name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Namespace {
    Types,
    Macros,
}

/// How many imports and aliases are followed before a circle is assumed.
const FUEL: usize = 24;

/// Where the type that the path names in the module is declared.
pub(crate) fn resolve_type(crates: &[Krate], krate: usize, module: usize, path: &[String]) -> Target {
    Resolver { crates, namespace: Namespace::Types }.path(krate, module, path, FUEL)
}

/// Where the attribute that the path names in the module comes from.
pub(crate) fn resolve_attribute(crates: &[Krate], krate: usize, module: usize, path: &[String]) -> Target {
    Resolver { crates, namespace: Namespace::Macros }.path(krate, module, path, FUEL)
}

struct Resolver<'a> {
    crates: &'a [Krate],
    namespace: Namespace,
}

impl Resolver<'_> {
    fn path(&self, krate: usize, module: usize, path: &[String], fuel: usize) -> Target {
        let Some((first, rest)) = path.split_first() else { return Target::Module { krate, module } };
        let Some(fuel) = fuel.checked_sub(1) else { return Target::Unknown };
        let start = match first.as_str() {
            EXTERN => return self.external(rest, fuel),
            "crate" => Target::Module { krate, module: 0 },
            "self" => Target::Module { krate, module },
            "super" => match self.crates[krate].tree.modules[module].parent {
                Some(parent) => Target::Module { krate, module: parent },
                None => return Target::Unknown,
            },
            name => match self.lookup(krate, module, name, rest.is_empty(), fuel) {
                Some(found) => found,
                None if self.has_foreign_globs(krate, module, fuel) => return Target::Unknown,
                None => return self.external(path, fuel),
            },
        };
        self.descend(start, rest, fuel)
    }

    fn descend(&self, from: Target, rest: &[String], fuel: usize) -> Target {
        let Some((next, further)) = rest.split_first() else { return from };
        let Some(fuel) = fuel.checked_sub(1) else { return Target::Unknown };
        match from {
            Target::Module { krate, .. } if next == "super" || next == "self" => {
                let Target::Module { module, .. } = from else { return Target::Unknown };
                self.path(krate, module, rest, fuel)
            }
            Target::Module { krate, module } => match self.lookup(krate, module, next, further.is_empty(), fuel) {
                Some(found) => self.descend(found, further, fuel),
                None if self.crates[krate].tree.modules[module].protos => Target::Proto(rest.to_vec()),
                None => Target::Unknown,
            },
            Target::Proto(mut path) => {
                path.extend_from_slice(rest);
                Target::Proto(path)
            }
            Target::External(mut path) => {
                path.extend_from_slice(rest);
                Target::External(path)
            }
            Target::Item { .. } | Target::Unknown => Target::Unknown,
        }
    }

    fn external(&self, path: &[String], fuel: usize) -> Target {
        let known = path.first().and_then(|first| self.crates.iter().position(|krate| krate.is_lib && krate.name == *first));
        match known {
            Some(krate) => self.descend(Target::Module { krate, module: 0 }, &path[1..], fuel),
            None => Target::External(path.to_vec()),
        }
    }

    /// What a name means in a module; `last` when it ends its path.
    fn lookup(&self, krate: usize, module: usize, name: &str, last: bool, fuel: usize) -> Option<Target> {
        let fuel = fuel.checked_sub(1)?;
        let scope = &self.crates[krate].tree.modules[module].scope;
        let is_macro = last && self.namespace == Namespace::Macros;
        if !is_macro {
            if let Some((_, module)) = scope.modules.iter().find(|(child, _)| child == name) {
                return Some(Target::Module { krate, module: *module });
            }
            if scope.items.iter().any(|item| item == name) {
                return Some(Target::Item { krate, module, name: name.to_owned() });
            }
            if let Some((_, path)) = scope.aliases.iter().find(|(alias, _)| alias == name) {
                return Some(self.path(krate, module, path, fuel));
            }
        }
        let imports = scope.imports.iter().filter(|import| import.name == name && import.path != [name]);
        let mut found = imports.map(|import| self.path(krate, module, &import.path, fuel));
        let wanted = |target: &Target| !is_macro || matches!(target, Target::External(_));
        found.find(wanted).or_else(|| self.through_globs(krate, module, name, last, fuel))
    }

    fn through_globs(&self, krate: usize, module: usize, name: &str, last: bool, fuel: usize) -> Option<Target> {
        self.crates[krate].tree.modules[module].scope.globs.iter().find_map(|glob| match self.types().path(krate, module, glob, fuel) {
            Target::Module { krate: to_krate, module: to } if (to_krate, to) != (krate, module) => {
                self.lookup(to_krate, to, name, last, fuel)
            }
            // `use comms::*;` brings the attributes in.
            Target::External(mut path) if last && self.namespace == Namespace::Macros && path.len() == 1 => {
                path.push(name.to_owned());
                Some(Target::External(path))
            }
            _ => None,
        })
    }

    /// What stands before `::*` is a module, whatever is looked for in it.
    fn types(&self) -> Resolver<'_> {
        Resolver { crates: self.crates, namespace: Namespace::Types }
    }

    /// Whether a glob brings in names of a crate that was not walked, the standard library excepted.
    fn has_foreign_globs(&self, krate: usize, module: usize, fuel: usize) -> bool {
        self.crates[krate].tree.modules[module].scope.globs.iter().any(|glob| match self.types().path(krate, module, glob, fuel) {
            Target::External(path) => !matches!(path.first().map(String::as_str), Some("std" | "core" | "alloc" | "comms")),
            Target::Module { krate: to_krate, module: to } if (to_krate, to) != (krate, module) => {
                fuel.checked_sub(1).is_some_and(|fuel| self.has_foreign_globs(to_krate, to, fuel))
            }
            _ => false,
        })
    }
}
