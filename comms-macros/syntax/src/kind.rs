//! Which of our attributes an attribute is, told from its path.

use syn::{Meta, Path};

use crate::route::Verb;

/// One of our attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// `#[event]`.
    Event,
    /// `#[command]`, on a struct or on a handler.
    Command,
    /// `#[query]`, on a struct or on a handler.
    Query,
    /// `#[service]`.
    Service,
    /// `#[event_handler]`.
    EventHandler,
    /// `#[provider]`.
    Provider,
    /// `#[get]`, `#[post]`, `#[put]`, `#[patch]` or `#[delete]`.
    Route(Verb),
    /// `#[client]`.
    Client,
    /// `#[rpc]`.
    Rpc,
    /// One that does not exist yet, by its name.
    Deferred(&'static str),
}

/// What answers: a command or a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// Something to be done.
    Command,
    /// Something to be answered.
    Query,
}

/// Attributes of later versions; refused, never ignored.
const DEFERRED: [&str; 8] = ["authorize", "public", "aggregate", "projection", "upcast", "saga", "step", "on"];

/// Which of our attributes the path names: `event`, or `comms::event`, whatever the crate is called.
///
/// `client`, `rpc` and attributes that do not exist yet count only by their bare name or below `comms`, since their names are common.
#[must_use]
pub fn attribute(path: &Path) -> Option<Attribute> {
    let qualified = match path.segments.len() {
        1 => None,
        2 => Some(path.segments.first()?.ident.to_string()),
        _ => return None,
    };
    let name = path.segments.last()?.ident.to_string();
    if let Some(verb) = Verb::ALL.into_iter().find(|verb| verb.name() == name) {
        return Some(Attribute::Route(verb));
    }
    Some(match name.as_str() {
        "event" => Attribute::Event,
        "command" => Attribute::Command,
        "query" => Attribute::Query,
        "service" => Attribute::Service,
        "event_handler" => Attribute::EventHandler,
        "provider" => Attribute::Provider,
        "client" if is_ours(qualified.as_deref()) => Attribute::Client,
        "rpc" if is_ours(qualified.as_deref()) => Attribute::Rpc,
        other if is_ours(qualified.as_deref()) => Attribute::Deferred(DEFERRED.into_iter().find(|deferred| *deferred == other)?),
        _ => return None,
    })
}

/// For names that attributes of other crates have too: bare, or below `comms`.
fn is_ours(qualified: Option<&str>) -> bool {
    qualified.is_none_or(|krate| krate == "comms")
}

/// The first of our attributes on an item, with its arguments.
///
/// `#[command]` on a type that derives clap's traits is clap's own, and skipped.
#[must_use]
pub fn attribute_of(attrs: &[syn::Attribute]) -> Option<(Attribute, &syn::Attribute)> {
    let ours = attrs.iter().filter_map(|attr| attribute(attr.path()).map(|kind| (kind, attr)));
    let mut ours = ours.filter(|(kind, _)| *kind != Attribute::Command || !derives_clap(attrs));
    ours.next()
}

fn derives_clap(attrs: &[syn::Attribute]) -> bool {
    ["Parser", "Args", "Subcommand", "ValueEnum"].into_iter().any(|name| derives(attrs, name))
}

/// Whether a `#[derive(..)]` among the attributes names the trait, with or without a path before it.
pub(crate) fn derives(attrs: &[syn::Attribute], name: &str) -> bool {
    attrs.iter().any(|attr| {
        let mut found = false;
        if attr.path().is_ident("derive") && matches!(attr.meta, Meta::List(_)) {
            // What can't be read as a derive list is the compiler's to refuse.
            let _ = attr.parse_nested_meta(|meta| {
                found |= meta.path.segments.last().is_some_and(|last| last.ident == name);
                Ok(())
            });
        }
        found
    })
}

/// The arguments of an attribute: nothing for a bare one.
///
/// # Errors
/// When it is written as `#[name = value]`.
pub(crate) fn arguments(attr: &syn::Attribute) -> syn::Result<proc_macro2::TokenStream> {
    match &attr.meta {
        Meta::Path(_) => Ok(proc_macro2::TokenStream::new()),
        Meta::List(list) => Ok(list.tokens.clone()),
        Meta::NameValue(pair) => Err(syn::Error::new_spanned(pair, "expected options in parentheses")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Option<Attribute> {
        attribute(&syn::parse_str(path).unwrap())
    }

    #[test]
    fn attributes_are_known_by_name_and_below_any_crate() {
        assert_eq!(of("event"), Some(Attribute::Event));
        assert_eq!(of("comms::command"), Some(Attribute::Command));
        assert_eq!(of("renamed::event_handler"), Some(Attribute::EventHandler));
        assert_eq!(of("renamed::delete"), Some(Attribute::Route(Verb::Delete)));
        assert_eq!(of("a::b::event"), None);
    }

    #[test]
    fn later_attributes_of_other_crates_are_left_alone() {
        assert_eq!(of("saga"), Some(Attribute::Deferred("saga")));
        assert_eq!(of("comms::saga"), Some(Attribute::Deferred("saga")));
        assert_eq!((of("other::saga"), of("other::client")), (None, None));
    }

    #[test]
    fn the_command_of_clap_is_not_ours() {
        let clap: syn::ItemStruct = syn::parse_quote!(
            #[derive(Debug, clap::Parser)]
            #[command(version)]
            struct A;
        );
        assert!(attribute_of(&clap.attrs).is_none());
        let ours: syn::ItemStruct = syn::parse_quote!(
            #[derive(Debug)]
            #[command(name = "a")]
            struct A;
        );
        assert_eq!(attribute_of(&ours.attrs).unwrap().0, Attribute::Command);
    }
}
