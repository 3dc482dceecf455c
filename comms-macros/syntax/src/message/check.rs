//! From tokens to a checked message type.

use proc_macro2::{Span, TokenStream};
use syn::{Fields, ItemStruct, Member};

use super::model::{Derives, Kind, Message, Reply};
use super::options::{Options, table};
use crate::errors::Collector;
use crate::item::cfgs;
use crate::kind::derives;
use crate::suggest::{hint, listed};
use crate::{Common, Errors, ItemKind, Number, RequestKind, Text, item_kind};

/// Reads a message attribute and the struct it stands on.
///
/// # Errors
/// All mistakes in both.
pub fn parse(kind: Kind, attr: TokenStream, item: TokenStream) -> Result<Message, Errors> {
    let mut errors = Collector::new();
    let mut options = Options::default();
    table(kind).parse(&mut errors, attr, &mut options);
    let item = read_struct(&mut errors, kind, item);
    let message = item.and_then(|item| check(&mut errors, kind, options, &item));
    errors.finish(message)
}

fn read_struct(errors: &mut Collector, kind: Kind, item: TokenStream) -> Option<ItemStruct> {
    let found = item_kind(&item);
    if found != ItemKind::Struct {
        let place = item.into_iter().next().map_or_else(Span::call_site, |first| first.span());
        errors.at_span(
            place,
            format!("{} makes a message of a struct, not of {}{}", kind.attribute(), found.described(), way_out(kind, found)),
        );
        return None;
    }
    errors.keep(syn::parse2(item))
}

fn way_out(kind: Kind, found: ItemKind) -> &'static str {
    match (kind, found) {
        (Kind::Event, ItemKind::Fn) => ": a handler is marked with #[event_handler]",
        (_, ItemKind::Enum) => ": wrap it in a struct with a field of it, so that fields can be added later",
        (_, ItemKind::Impl) => ": put #[service] on the impl and this attribute on its methods",
        _ => "",
    }
}

fn check(errors: &mut Collector, kind: Kind, options: Options, item: &ItemStruct) -> Option<Message> {
    // Taken apart, so that no option can be forgotten here.
    let Options { krate, name, version, topic, key, broker, codec, schema, owner, reply, error } = options;
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, "a message type can't be generic: it has one name and one shape on the wire");
    }
    if let Some(key) = &key {
        check_key(errors, key, &item.fields);
        check_unconditional(errors, key, &item.fields);
    }
    let (attribute, place) = (kind.attribute(), &item.ident);
    let name_why = format!("{attribute} needs `name = \"..\"`, the name of the message on the wire, such as \"orders.order-placed\"");
    let name = errors.required("name", place, name, &name_why);
    let version_why = format!("{attribute} needs `version = 1`, the version of the message's shape; count it up when the shape changes");
    let version = errors.required("version", place, version, &version_why);
    let reply = match kind {
        Kind::Event => None,
        Kind::Request(_) => {
            let why = format!("{attribute} needs `owner = \"..\"`, the name of the service that handles it");
            errors.required("owner", place, owner, &why).map(|owner| Reply { owner, reply, error })
        }
    };
    let topic = match kind {
        Kind::Event => errors.required("topic", place, topic, "#[event] needs `topic = \"..\"`, the topic that it is published to"),
        Kind::Request(kind) => topic.or_else(|| reply.as_ref().map(|reply| default_topic(kind, &reply.owner))),
    };
    let common = Common::new(krate, &item.attrs, item.ident.span());
    let (name, version, topic): (Text, Number, Text) = (name?, version?, topic?);
    let (codec, schema, derives) = (codec.unwrap_or_default(), schema.unwrap_or(true), derived(item));
    Some(Message { common, ident: item.ident.clone(), name, version, topic, key, broker, codec, schema, reply, kind, derives })
}

fn default_topic(kind: RequestKind, owner: &Text) -> Text {
    let prefix = match kind {
        RequestKind::Command => "commands",
        RequestKind::Query => "queries",
    };
    Text { value: format!("{prefix}.{}", owner.value), span: owner.span }
}

fn check_key(errors: &mut Collector, key: &Member, fields: &Fields) {
    if fields.members().any(|member| member == *key) {
        return;
    }
    let names: Vec<String> = fields.members().map(|member| member_name(&member)).collect();
    let wanted = member_name(key);
    let hint = hint(&wanted, names.iter().map(String::as_str));
    let known =
        if names.is_empty() { "it has none".to_owned() } else { format!("its fields are {}", listed(names.iter().map(String::as_str))) };
    errors.at(key, format!("`key` names no field of the struct{hint}\n{known}"));
}

fn check_unconditional(errors: &mut Collector, key: &Member, fields: &Fields) {
    let mut pairs = fields.members().zip(fields);
    let field = pairs.find(|(member, _)| member == key).map(|(_, field)| field);
    if let Some(cfg) = field.and_then(|field| cfgs(&field.attrs).into_iter().next()) {
        errors.at(cfg, "the key of a message can't be conditional: messages with and without it would lose their order");
    }
}

fn member_name(member: &Member) -> String {
    match member {
        Member::Named(name) => name.to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}

fn derived(item: &ItemStruct) -> Derives {
    Derives {
        serialize: derives(&item.attrs, "Serialize"),
        deserialize: derives(&item.attrs, "Deserialize"),
        schema: derives(&item.attrs, "JsonSchema"),
        serde_crate: sets_crate(item, "serde"),
        schemars_crate: sets_crate(item, "schemars"),
    }
}

/// Whether an attribute such as `#[serde(.., crate = "..")]` is there already.
fn sets_crate(item: &ItemStruct, name: &str) -> bool {
    let helpers = item.attrs.iter().filter(|attr| attr.path().is_ident(name));
    let mut lists = helpers.filter_map(|attr| attr.meta.require_list().ok());
    lists.any(|list| list.tokens.clone().into_iter().any(|tree| tree.to_string() == "crate"))
}
