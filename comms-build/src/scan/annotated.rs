//! An item with the attribute that it carries, as the reader takes it apart.

use comms_syntax::Attribute;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Item, Meta};

use super::cfg::{self, Cfg};
use super::walk::Found;
use crate::model::Origin;

/// An item with the attribute of ours that it carries.
pub(super) struct Annotated<'a> {
    pub(super) found: &'a Found,
    pub(super) attribute: Attribute,
    pub(super) meta: &'a Meta,
    pub(super) condition: Option<&'a Cfg>,
}

/// How it begins, for a person.
pub(super) fn declaration(item: &Item) -> String {
    match item {
        Item::Struct(item) => format!("struct {}", item.ident),
        Item::Trait(item) => format!("trait {}", item.ident),
        Item::Fn(item) => format!("{}fn {}", if item.sig.asyncness.is_some() { "async " } else { "" }, item.sig.ident),
        _ => String::new(),
    }
}

/// The conditions of a method, unless the impl has them already.
pub(super) fn add_cfgs(origin: &mut Origin, attributes: &[syn::Attribute]) {
    for condition in cfg::conditions(&cfg::resolve(attributes)) {
        if !origin.cfgs.contains(&condition) {
            origin.cfgs.push(condition);
        }
    }
    origin.test_only = cfg::is_test_only(&origin.cfgs);
}

pub(super) fn arguments(meta: &Meta) -> TokenStream {
    meta.require_list().map(|list| list.tokens.clone()).unwrap_or_default()
}

/// The item without the attribute, as the macro gets it.
pub(super) fn bare(it: &Annotated<'_>) -> TokenStream {
    let mut item = it.found.item.clone();
    let attributes = match &mut item {
        Item::Struct(item) => &mut item.attrs,
        Item::Fn(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        Item::Trait(item) => &mut item.attrs,
        _ => return item.into_token_stream(),
    };
    attributes.retain(|attribute| attribute.meta != *it.meta);
    item.into_token_stream()
}
