//! What is re-emitted of a service's impl: everything but the attributes that the model has taken up.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::Path;
use syn::parse::{ParseStream, Parser};

use super::impls::attrs_of;
use crate::Attribute;
use crate::item::{ImplItem, cfgs, members};
use crate::kind::attribute;
use crate::route::is_mark;

/// An attribute that [`strip`] takes off, as it was written, and the conditions that it stands under.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Its path.
    pub path: Path,
    /// The `#[cfg]`s of the impl and of the method.
    pub cfgs: Vec<syn::Attribute>,
}

/// The attributes of this version on the methods of an impl, each once. Nothing if the impl can't be read.
#[must_use]
pub fn marks(item: TokenStream) -> Vec<Mark> {
    let Ok(item) = syn::parse2::<ImplItem>(item) else { return Vec::new() };
    let members = members.parse2(item.body).unwrap_or_default();
    collect_marks(&cfgs(&item.attrs), members.iter().map(attrs_of))
}

/// The same of the members of any item, each told by its attributes.
pub(crate) fn collect_marks<'a>(outer: &[syn::Attribute], members: impl Iterator<Item = &'a [syn::Attribute]>) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for attrs in members {
        for attr in attrs.iter().filter(|attr| attribute(attr.path()).is_some_and(|kind| !matches!(kind, Attribute::Deferred(_)))) {
            let mark = Mark { path: attr.path().clone(), cfgs: outer.iter().cloned().chain(cfgs(attrs)).collect() };
            if !marks.iter().any(|known| known.path == mark.path && known.cfgs == mark.cfgs) {
                marks.push(mark);
            }
        }
    }
    marks
}

/// The impl without the attributes on its methods that the model has taken up, and without the marks on the arguments of
/// its routes: what is re-emitted, also beside errors.
#[must_use]
pub fn strip(item: TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(body)) = trees.last_mut()
        && body.delimiter() == Delimiter::Brace
    {
        *body = within(body, strip_body);
    }
    trees.into_iter().collect()
}

/// A function without the marks on its arguments.
#[must_use]
pub fn strip_function(item: TokenStream) -> TokenStream {
    let mut signature = true;
    item.into_iter().map(|tree| strip_signature(tree, &mut signature)).collect()
}

fn within(group: &Group, change: impl FnOnce(TokenStream) -> TokenStream) -> Group {
    let mut changed = Group::new(group.delimiter(), change(group.stream()));
    changed.set_span(group.span());
    changed
}

fn strip_body(body: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    // Within the signature of a route.
    let mut route = false;
    for tree in body {
        match attribute_in(&kept, &tree).as_ref().and_then(attribute) {
            Some(ours) => {
                kept.pop();
                route |= matches!(ours, Attribute::Route(_));
            }
            None => kept.push(strip_signature(tree, &mut route)),
        }
    }
    kept.into_iter().collect()
}

/// Takes the marks off arguments while in a signature, which ends with the body.
fn strip_signature(tree: TokenTree, within_signature: &mut bool) -> TokenTree {
    match &tree {
        TokenTree::Group(group) if *within_signature && group.delimiter() == Delimiter::Parenthesis => within(group, strip_marks).into(),
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            *within_signature = false;
            tree
        }
        _ => tree,
    }
}

fn strip_marks(arguments: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for tree in arguments {
        match attribute_in(&kept, &tree) {
            Some(path) if is_mark(&path) => {
                kept.pop();
            }
            _ => kept.push(tree),
        }
    }
    kept.into_iter().collect()
}

/// The path of the attribute that the tree is, after what came before it.
fn attribute_in(before: &[TokenTree], tree: &TokenTree) -> Option<Path> {
    let after_pound = matches!(before.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#');
    let TokenTree::Group(group) = tree else { return None };
    let path = |input: ParseStream<'_>| {
        let path = input.call(Path::parse_mod_style)?;
        input.parse::<TokenStream>()?;
        Ok(path)
    };
    if after_pound && group.delimiter() == Delimiter::Bracket { path.parse2(group.stream()).ok() } else { None }
}
