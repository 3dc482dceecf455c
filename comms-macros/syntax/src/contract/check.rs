//! From tokens to a checked contract.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Path, TypeParamBound};

use super::item::{TraitItem, TraitMember};
use super::methods;
use super::model::{Contract, Foreign};
use super::options::{FOREIGN, ForeignOptions, Options, TABLE};
use crate::client::default_name;
use crate::errors::Collector;
use crate::{Common, Errors, ItemKind, Text, item_kind};

/// Reads `#[service(..)]` and the trait it stands on.
///
/// # Errors
/// All mistakes in both, those of the methods among them.
pub fn parse(attr: TokenStream, item: TokenStream) -> Result<Contract, Errors> {
    let mut errors = Collector::new();
    let mut options = Options::default();
    TABLE.parse(&mut errors, attr, &mut options);
    let item = read(&mut errors, item, "#[service]");
    let contract = item.and_then(|item| {
        // Taken apart, so that no option can be forgotten here.
        let Options { krate, name, version } = options;
        let name_why = "#[service] on a trait needs `name = \"..\"`, the name of the contract: clients are configured under it";
        let name = errors.required("name", &item.ident, name, name_why);
        let version_why = "#[service] on a trait needs `version = \"..\"`, the version of the contract, such as \"1.0.0\"";
        let version = errors.required("version", &item.ident, version, version_why);
        let contract = check(&mut errors, krate, item, name, None);
        contract.map(|contract| Contract { version, ..contract })
    });
    errors.finish(contract)
}

/// Reads `#[client(url = "..")]` and the trait it stands on.
///
/// # Errors
/// All mistakes in both, those of the methods among them.
pub fn parse_foreign(attr: TokenStream, item: TokenStream) -> Result<Contract, Errors> {
    let mut errors = Collector::new();
    let mut options = ForeignOptions::default();
    FOREIGN.parse(&mut errors, attr, &mut options);
    let item = read(&mut errors, item, "#[client]");
    let contract = item.and_then(|item| {
        let ForeignOptions { krate, url, name, timeout } = options;
        let url_why =
            "#[client] on a trait describes a foreign API and needs `url = \"https://..\"`; a contract of your own is `#[service]` on a trait";
        let url = errors.required("url", &item.ident, url, url_why);
        let name = match name {
            Some(name) => Some(name),
            None => errors.keep(default_name(&item.ident)),
        };
        let foreign = url.map(|url| Foreign { url, timeout });
        let contract = check(&mut errors, krate, item, name, foreign.clone());
        foreign.and(contract)
    });
    errors.finish(contract)
}

fn read(errors: &mut Collector, item: TokenStream, attribute: &str) -> Option<TraitItem> {
    let found = item_kind(&item);
    if found != ItemKind::Trait {
        let place = item.into_iter().next().map_or_else(Span::call_site, |first| first.span());
        errors.at_span(place, format!("{attribute} can't stand on {} here", found.described()));
        return None;
    }
    errors.keep(syn::parse2(item))
}

fn check(errors: &mut Collector, krate: Option<Path>, item: TraitItem, name: Option<Text>, foreign: Option<Foreign>) -> Option<Contract> {
    check_header(errors, &item);
    let common = Common::new(krate, &item.attrs, item.ident.span());
    if item.members.iter().all(|member| !matches!(member, TraitMember::Fn(_))) {
        errors.at(&item.ident, "a contract without methods: write `#[get(\"/..\")] async fn ..(&self, ..) -> Result<.., ..>;` into it");
    }
    let methods = methods::read(errors, &item.members, &common);
    Some(Contract { common, ident: item.ident, vis: item.vis, name: name?, version: None, foreign, methods })
}

/// A contract is what can be said over a network, which has no types.
fn check_header(errors: &mut Collector, item: &TraitItem) {
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, "a contract can't be generic: it travels with concrete types");
    }
    if let Some(clause) = &item.generics.where_clause {
        errors.at(clause, "a contract can't have a `where` clause: its client knows nothing of the service's type");
    }
    if let Some(unsafety) = &item.unsafety {
        errors.at(unsafety, "a contract can't be `unsafe`: a client can't promise anything for a service");
    }
    for bound in item.supertraits.iter().filter(|bound| !is_known(bound)) {
        errors.at(
            bound,
            "a contract has no supertraits: its client and its fake stand in for the service; `Send + Sync + 'static` is added anyway",
        );
    }
}

/// `Send`, `Sync` or `'static`.
fn is_known(bound: &TypeParamBound) -> bool {
    let text = bound.to_token_stream().to_string().replace(' ', "");
    text == "'static" || ["Send", "Sync"].into_iter().any(|name| text == name || text.ends_with(&format!("::{name}")))
}
