//! The names of a module: what is declared in it and what `use` brings in.

use syn::{Item, UseTree, Visibility};

/// What a module's own items and imports mean by a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// Types, functions and traits that are declared here.
    pub(crate) items: Vec<String>,
    /// Child modules, with their index.
    pub(crate) modules: Vec<(String, usize)>,
    /// `type A = path::B;`
    pub(crate) aliases: Vec<(String, Vec<String>)>,
    /// `use path as name;`
    pub(crate) imports: Vec<Import>,
    /// `use path::*;`
    pub(crate) globs: Vec<Vec<String>>,
}

/// One name that `use` brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
}

/// The first segment of a path that begins with `::`.
pub(crate) const EXTERN: &str = "::";

impl Scope {
    /// Takes in what an item declares; modules are added by the walk.
    pub(crate) fn declare(&mut self, item: &Item) {
        match item {
            Item::Use(item) => {
                let mut path = item.leading_colon.iter().map(|_| EXTERN.to_owned()).collect();
                self.import(&mut path, &item.tree);
            }
            Item::ExternCrate(item) => {
                let name = item.rename.as_ref().map_or(&item.ident, |(_, rename)| rename);
                let path = vec![EXTERN.to_owned(), item.ident.to_string()];
                if item.ident != "self" {
                    self.imports.push(Import { name: name.to_string(), path });
                }
            }
            Item::Type(item) => {
                if let Some(path) = plain_path(&item.ty) {
                    self.aliases.push((item.ident.to_string(), path));
                }
            }
            _ => self.items.extend(declared_name(item)),
        }
    }

    fn import(&mut self, prefix: &mut Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.import(prefix, &path.tree);
                prefix.pop();
            }
            UseTree::Name(name) => self.push_import(prefix, &name.ident.to_string(), None),
            UseTree::Rename(rename) => self.push_import(prefix, &rename.ident.to_string(), Some(rename.rename.to_string())),
            UseTree::Glob(_) => self.globs.push(prefix.clone()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(prefix, tree)),
        }
    }

    fn push_import(&mut self, prefix: &[String], last: &str, rename: Option<String>) {
        let mut path = prefix.to_vec();
        if last != "self" {
            path.push(last.to_owned());
        }
        if let Some(name) = rename.or_else(|| path.last().cloned()) {
            self.imports.push(Import { name, path });
        }
    }
}

fn declared_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// The visibility that an item was declared with, for those that can be annotated.
pub(crate) fn visibility(item: &Item) -> Option<&Visibility> {
    match item {
        Item::Struct(item) => Some(&item.vis),
        Item::Enum(item) => Some(&item.vis),
        Item::Fn(item) => Some(&item.vis),
        Item::Trait(item) => Some(&item.vis),
        _ => None,
    }
}

/// The segments of a type that is a path, generic arguments left out.
pub(crate) fn plain_path(ty: &syn::Type) -> Option<Vec<String>> {
    match ty {
        syn::Type::Path(ty) if ty.qself.is_none() => Some(segments(&ty.path)),
        syn::Type::Group(group) => plain_path(&group.elem),
        syn::Type::Paren(paren) => plain_path(&paren.elem),
        _ => None,
    }
}

/// The segments of a path, [`EXTERN`] before one that begins with `::`.
pub(crate) fn segments(path: &syn::Path) -> Vec<String> {
    let start = path.leading_colon.iter().map(|_| EXTERN.to_owned());
    start.chain(path.segments.iter().map(|segment| segment.ident.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        let mut scope = Scope::default();
        syn::parse_file(text).expect("valid source").items.iter().for_each(|item| scope.declare(item));
        scope
    }

    #[test]
    fn use_trees_are_flattened() {
        let scope = scope("use a::{b, c as d, e::{self, f}, g::*}; use ::h::i; extern crate j as k;");
        let imports: Vec<String> = scope.imports.iter().map(|import| format!("{}={}", import.name, import.path.join("/"))).collect();
        assert_eq!(imports, ["b=a/b", "d=a/c", "e=a/e", "f=a/e/f", "i=::/h/i", "k=::/j"]);
        assert_eq!(scope.globs, [["a", "g"]]);
    }

    #[test]
    fn aliases_are_followed_by_path() {
        assert_eq!(scope("type A = b::C<u8>;").aliases, [("A".to_owned(), vec!["b".to_owned(), "C".to_owned()])]);
    }
}
