//! The conditions under which an item exists.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Meta, Token, parse::Parser, punctuated::Punctuated};

/// The predicate of a `#[cfg(..)]`.
#[derive(Clone, Debug)]
pub(crate) struct Cfg {
    pub(crate) predicate: TokenStream,
}

/// Compared as text: two spellings of one condition are two conditions.
impl PartialEq for Cfg {
    fn eq(&self, other: &Self) -> bool {
        self.predicate.to_string() == other.predicate.to_string()
    }
}

impl Cfg {
    pub(crate) fn not(&self) -> Self {
        let predicate = &self.predicate;
        Self { predicate: quote!(not(#predicate)) }
    }

    /// Whether it holds in test builds only: `test`, or `all(..)` with it.
    fn is_test(&self) -> bool {
        fn asks_for_test(meta: &Meta) -> bool {
            match meta {
                Meta::Path(path) => path.is_ident("test"),
                Meta::List(list) if list.path.is_ident("all") => parse_list(list.tokens.clone()).iter().any(asks_for_test),
                _ => false,
            }
        }
        syn::parse2::<Meta>(self.predicate.clone()).is_ok_and(|meta| asks_for_test(&meta))
    }
}

/// Whether one of the conditions holds in test builds only.
pub(crate) fn is_test_only(cfgs: &[Cfg]) -> bool {
    cfgs.iter().any(Cfg::is_test)
}

fn parse_list(tokens: TokenStream) -> Vec<Meta> {
    Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens).map(|metas| metas.into_iter().collect()).unwrap_or_default()
}

/// An attribute as it stands once `cfg_attr` is resolved.
#[derive(Clone, Debug)]
pub(crate) struct Conditional {
    /// Under which condition the attribute is there at all.
    pub(crate) condition: Option<Cfg>,
    pub(crate) meta: Meta,
}

/// The attributes, those within `cfg_attr` taken out of it.
pub(crate) fn resolve(attributes: &[Attribute]) -> Vec<Conditional> {
    attributes.iter().flat_map(|attribute| resolve_meta(None, &attribute.meta)).collect()
}

fn resolve_meta(condition: Option<&Cfg>, meta: &Meta) -> Vec<Conditional> {
    let Some(inner) = meta.require_list().ok().filter(|list| list.path.is_ident("cfg_attr")) else {
        return vec![Conditional { condition: condition.cloned(), meta: meta.clone() }];
    };
    let parts = parse_list(inner.tokens.clone());
    let Some((predicate, attributes)) = parts.split_first() else { return Vec::new() };
    let predicate = match condition {
        Some(Cfg { predicate: outer }) => quote!(all(#outer, #predicate)),
        None => quote!(#predicate),
    };
    attributes.iter().flat_map(|meta| resolve_meta(Some(&Cfg { predicate: predicate.clone() }), meta)).collect()
}

/// The conditions that `#[cfg]`s among the attributes set.
pub(crate) fn conditions(attributes: &[Conditional]) -> Vec<Cfg> {
    let lists = attributes.iter().filter_map(|attribute| {
        let list = attribute.meta.require_list().ok().filter(|list| list.path.is_ident("cfg"))?;
        let tokens = &list.tokens;
        let predicate = match &attribute.condition {
            Some(Cfg { predicate }) => quote!(any(not(#predicate), #tokens)),
            None => tokens.clone(),
        };
        Some(Cfg { predicate })
    });
    lists.collect()
}
