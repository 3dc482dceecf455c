//! From tokens to a checked service struct.

use proc_macro2::{Span, TokenStream};
use syn::{Fields, ItemStruct, Type};

use super::conditions::{MAX, conditions};
use super::model::{Field, ServiceStruct, Subscription};
use super::options::{Options, TABLE};
use crate::errors::Collector;
use crate::handler::published;
use crate::item::cfgs;
use crate::{Common, Errors, ItemKind, Text, item_kind};

/// Reads `#[service(..)]` and the struct it stands on.
///
/// # Errors
/// All mistakes in both.
pub fn parse(attr: TokenStream, item: TokenStream) -> Result<ServiceStruct, Errors> {
    let mut errors = Collector::new();
    let mut options = Options::default();
    TABLE.parse(&mut errors, attr, &mut options);
    let item = read_struct(&mut errors, item);
    let service = item.and_then(|item| check(&mut errors, options, item));
    errors.finish(service)
}

fn read_struct(errors: &mut Collector, item: TokenStream) -> Option<ItemStruct> {
    let found = item_kind(&item);
    if found == ItemKind::Struct {
        return errors.keep(syn::parse2(item));
    }
    let place = item.into_iter().next().map_or_else(Span::call_site, |first| first.span());
    let way_out = match found {
        ItemKind::Fn => "; a free function becomes a handler by #[event_handler], #[command] or #[query]",
        _ => "",
    };
    errors.at_span(place, format!("#[service] stands on a struct, on its impl and on a trait, not on {}{way_out}", found.described()));
    None
}

fn check(errors: &mut Collector, options: Options, item: ItemStruct) -> Option<ServiceStruct> {
    // Taken apart, so that no option can be forgotten here.
    let Options { krate, name, version, tags, layers, subscriptions } = options;
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, "a service can't be generic: there is one of it in a process; put a trait object or an enum in a field");
    }
    let name_why =
        "#[service] needs `name = \"..\"`, the name of the service: the group of its subscriptions and the source of its messages";
    let name = errors.required("name", &item.ident, name, name_why);
    let version_why = "#[service] needs `version = \"..\"`, the version of the service, such as \"1.2.0\"";
    let version = errors.required("version", &item.ident, version, version_why);
    check_groups(errors, name.as_ref(), &subscriptions);
    let common = Common::new(krate, &item.attrs, item.ident.span());
    let unit = matches!(item.fields, Fields::Unit);
    let fields = fields(errors, item.fields)?;
    let publishes = fields.iter().filter_map(|field| published(&field.ty)).collect();
    let (name, version) = (name?, version?);
    Some(ServiceStruct { common, ident: item.ident, name, version, tags, subscriptions, layers, fields, unit, publishes })
}

/// Two subscriptions to one topic are two groups: the first keeps the service's name, every other one needs its own.
fn check_groups(errors: &mut Collector, service: Option<&Text>, subscriptions: &[Subscription]) {
    let group = |subscription: &Subscription| subscription.group.as_ref().or(service).map(|group| group.value.clone());
    let broker = |subscription: &Subscription| subscription.broker.as_ref().map_or("default".to_owned(), |broker| broker.value.clone());
    for (at, later) in subscriptions.iter().enumerate() {
        let same = |earlier: &Subscription| {
            earlier.topic.value == later.topic.value && broker(earlier) == broker(later) && group(earlier) == group(later)
        };
        if subscriptions[..at].iter().any(same) {
            let message = format!(
                "a second subscription to `{}` in the same group: give it a `group = \"..\"` of its own, so that each gets every message",
                later.topic.value
            );
            errors.at_span(later.topic.span, message);
        }
    }
}

fn fields(errors: &mut Collector, fields: Fields) -> Option<Vec<Field>> {
    let mut read = Vec::new();
    match fields {
        Fields::Unit => {}
        Fields::Unnamed(tuple) => {
            errors.at(&tuple, "a service has named fields, which are injected, or none: `struct Name;`");
            return None;
        }
        Fields::Named(named) => {
            for field in named.named {
                check_field(errors, &field.ty);
                read.extend(field.ident.map(|ident| Field { ident, ty: field.ty, cfgs: cfgs(&field.attrs) }));
            }
        }
    }
    if conditions(&read).len() > MAX {
        errors.at(&read[0].ident, format!("the fields of one service can stand under at most {MAX} different `#[cfg]`s: put some of them in a struct of their own with a #[provider]"));
    }
    Some(read)
}

fn check_field(errors: &mut Collector, ty: &Type) {
    if let Type::Reference(reference) = ty {
        errors.at(
            reference,
            "a field of a service is an injected value that it owns: take it by value, in an `Arc` where it is not cheap to clone",
        );
    }
}
