//! From tokens to a checked client.

use proc_macro2::{Span, TokenStream};
use syn::{Fields, ItemStruct};

use super::model::{Calls, Client};
use super::name::default_name;
use super::options::{Options, TABLE};
use crate::errors::Collector;
use crate::kind::derives;
use crate::{Common, Errors, ItemKind, item_kind};

/// Reads `#[client(..)]` and the struct it stands on.
///
/// # Errors
/// All mistakes in both.
pub fn parse(attr: TokenStream, item: TokenStream) -> Result<Client, Errors> {
    let mut errors = Collector::new();
    let mut options = Options::default();
    let found = item_kind(&item);
    if found != ItemKind::Struct {
        let place = item.into_iter().next().map_or_else(Span::call_site, |first| first.span());
        let message = format!(
            "#[client] stands on a unit struct, `#[client(http = path::Contract)] pub struct Name;`, or on the trait of a foreign API, `#[client(url = \"..\")] pub trait Name {{ .. }}`; not on {}",
            found.described()
        );
        errors.at_span(place, message);
        return errors.finish(None);
    }
    TABLE.parse(&mut errors, attr, &mut options);
    let item = errors.keep(syn::parse2(item));
    let client = item.and_then(|item| check(&mut errors, options, item));
    errors.finish(client)
}

fn check(errors: &mut Collector, options: Options, item: ItemStruct) -> Option<Client> {
    // Taken apart, so that no option can be forgotten here.
    let Options { krate, calls, name, timeout } = options;
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, "a client can't be generic: it is injected as one type");
    }
    if !matches!(item.fields, Fields::Unit) {
        let message =
            format!("a client is a unit struct, since comms makes it: write `struct {};`; other values are injected beside it", item.ident);
        errors.at(&item.fields, message);
    }
    let calls = called(errors, &item, calls);
    let name = match name {
        Some(name) => Some(name),
        None => errors.keep(default_name(&item.ident)),
    };
    let common = Common::new(krate, &item.attrs, item.ident.span());
    let (derives_clone, derives_debug) = (derives(&item.attrs, "Clone"), derives(&item.attrs, "Debug"));
    let ItemStruct { attrs, vis, ident, .. } = item;
    Some(Client { common, attrs, vis, ident, calls: calls?, name: name?, timeout, derives_clone, derives_debug })
}

/// The one thing that it calls.
fn called(errors: &mut Collector, item: &ItemStruct, mut calls: Vec<Calls>) -> Option<Calls> {
    if let [_, second, ..] = &calls[..] {
        errors.at(second.path(), "a client calls one service: write a second struct for this one");
    }
    let attempted = ["http", "grpc"].into_iter().any(|option| errors.attempted.iter().any(|attempted| attempted == option));
    if calls.is_empty() && !attempted {
        let why = "#[client] needs what it calls: `http = path::Contract`, or `grpc = path::Service`";
        errors.at(&item.ident, why);
    }
    (!calls.is_empty()).then(|| calls.remove(0))
}
