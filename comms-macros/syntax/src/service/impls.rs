//! From tokens to the handlers of a service's impl.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Path;
use syn::parse::{ParseStream, Parser};

use super::model::ServiceImpl;
use crate::errors::Collector;
use crate::handler::{self, Handler};
use crate::item::{ImplItem, Member, cfgs, members, plain_name};
use crate::kind::{self, arguments, attribute};
use crate::options::{Opt, Table, assigned, put};
use crate::{Attribute, Common, Errors};

#[derive(Default)]
struct Options {
    krate: Option<Path>,
}

const ON_STRUCT: &str = "it belongs on the #[service(..)] of the struct; on the impl it stands bare";

const TABLE: Table<Options> = Table {
    attribute: "#[service] on an impl",
    options: &[Opt { name: "crate", set: |o, name, input| put(&mut o.krate, assigned(name, input, |i| i.call(Path::parse_mod_style))) }],
    repeats: &[],
    elsewhere: &[("name", ON_STRUCT), ("version", ON_STRUCT), ("tags", ON_STRUCT), ("subscribe", ON_STRUCT), ("layers", ON_STRUCT)],
};

/// Reads `#[service]` and the impl it stands on.
///
/// # Errors
/// All mistakes in both, those of the handlers among them.
pub fn parse(attr: TokenStream, item: TokenStream) -> Result<ServiceImpl, Errors> {
    let mut errors = Collector::new();
    let mut options = Options::default();
    TABLE.parse(&mut errors, attr, &mut options);
    let item = errors.keep(syn::parse2::<ImplItem>(item));
    let service = item.and_then(|item| check(&mut errors, options, item));
    errors.finish(service)
}

fn check(errors: &mut Collector, options: Options, item: ImplItem) -> Option<ServiceImpl> {
    let Options { krate } = options;
    if item.of_trait {
        errors.at(
            item.impl_token,
            "#[service] on the impl of a trait is not available yet: put the handlers in an inherent impl, `impl Name { .. }`",
        );
        return None;
    }
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, "the impl of a service can't be generic: there is one of the service in a process");
        return None;
    }
    let Some(ident) = plain_name(&item.self_ty).cloned() else {
        errors.at(&item.self_ty, "#[service] expects the impl of a plain struct: `impl Name { .. }`");
        return None;
    };
    let service = syn::parse2(item.self_ty.to_token_stream()).ok()?;
    let common = Common::new(krate, &item.attrs, ident.span());
    let members = errors.keep(members.parse2(item.body))?;
    let handlers = handlers(errors, &common, &members);
    if handlers.is_empty() && members.iter().all(|member| annotated(attrs_of(member)).is_none()) {
        let message = "this impl has no handler: mark its methods with #[event_handler], #[command] or #[query], or take #[service] off it";
        errors.at(&item.self_ty, message);
    }
    check_duplicates(errors, &handlers);
    Some(ServiceImpl { common, service, ident, handlers })
}

fn attrs_of(member: &Member) -> &[syn::Attribute] {
    match member {
        Member::Fn(function) => &function.attrs,
        Member::Other(attrs) => attrs,
    }
}

fn annotated(attrs: &[syn::Attribute]) -> Option<(Attribute, &syn::Attribute)> {
    kind::attribute_of(attrs)
}

fn handlers(errors: &mut Collector, common: &Common, members: &[Member]) -> Vec<Handler> {
    let mut handlers = Vec::new();
    for member in members {
        let Some((kind, attr)) = annotated(attrs_of(member)) else { continue };
        if let Some((kind, second)) = second(attrs_of(member), attr) {
            errors.at(second, refused_second(kind));
        }
        let Some(kind) = handler_kind(errors, kind, attr) else { continue };
        match member {
            Member::Fn(function) => {
                let tokens = errors.keep(arguments(attr)).unwrap_or_default();
                handlers.extend(errors.take(handler::parse_method(kind, tokens, function, common)));
            }
            Member::Other(_) => errors.at(attr, "a handler is a method; this is none"),
        }
    }
    handlers
}

fn second<'a>(attrs: &'a [syn::Attribute], first: &syn::Attribute) -> Option<(Attribute, &'a syn::Attribute)> {
    let others = attrs.iter().filter(|attr| !std::ptr::eq(*attr, first));
    others.filter_map(|attr| attribute(attr.path()).map(|kind| (kind, attr))).next()
}

fn refused_second(kind: Attribute) -> String {
    match kind {
        Attribute::Deferred(name) => deferred(name),
        _ => "a method is one handler: a second attribute of comms can't stand on it".to_owned(),
    }
}

fn handler_kind(errors: &mut Collector, kind: Attribute, attr: &syn::Attribute) -> Option<handler::Kind> {
    match kind {
        Attribute::EventHandler => return Some(handler::Kind::Event),
        Attribute::Command => return Some(handler::Kind::Request(crate::RequestKind::Command)),
        Attribute::Query => return Some(handler::Kind::Request(crate::RequestKind::Query)),
        Attribute::Event => {
            errors.at(attr, "#[event] makes a message of a struct; the handler of an event is marked with #[event_handler]")
        }
        Attribute::Service => errors.at(attr, "#[service] stands on the struct and on the impl, not on a method"),
        Attribute::Provider => errors.at(attr, "a provider is a free function: move it out of the impl"),
        Attribute::Deferred(name) => errors.at(attr, deferred(name)),
    }
    None
}

/// Why an attribute of a later version is refused, and what to do until it exists.
#[must_use]
pub fn deferred(name: &str) -> String {
    let instead = match name {
        "get" | "post" | "put" | "patch" | "delete" => "answer a #[query] or #[command] over a broker, or serve HTTP beside comms",
        "client" => "write the client by hand and hand it out with a #[provider]",
        "authorize" | "public" => "check the caller in the handler, or in a custom layer",
        "upcast" => "give the changed shape a name of its own and handle both",
        "saga" | "step" | "on" => "drive the steps with events and #[event_handler]s",
        _ => "keep the state in a store of your own, handed out with a #[provider]",
    };
    format!("#[{name}] is not available yet; until it is, {instead}")
}

/// Of one event type a service handles each message once per group.
fn check_duplicates(errors: &mut Collector, handlers: &[Handler]) {
    for (at, later) in handlers.iter().enumerate() {
        let same = |earlier: &&Handler| {
            // Alternatives under `#[cfg]` are for the compiler to tell apart.
            earlier.common.cfgs.is_empty()
                && later.common.cfgs.is_empty()
                && earlier.kind == later.kind
                && earlier.message_text() == later.message_text()
                && earlier.group_text() == later.group_text()
        };
        if let Some(earlier) = handlers[..at].iter().find(same) {
            errors.at(&later.message, duplicate(earlier, later));
        }
    }
}

fn duplicate(earlier: &Handler, later: &Handler) -> String {
    let (message, first) = (later.message_text(), &earlier.ident);
    match later.kind {
        handler::Kind::Event => format!(
            "a second handler of `{message}` in one group, beside `{first}`: call both from one handler, or give this one `group = \"..\"` and the service a `subscribe(\"topic\", group = \"..\")`"
        ),
        handler::Kind::Request(_) => format!("a second handler of `{message}`, beside `{first}`: a command or query has exactly one"),
    }
}

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
    let outer = cfgs(&item.attrs);
    let mut marks: Vec<Mark> = Vec::new();
    for member in members.parse2(item.body).unwrap_or_default() {
        let attrs = attrs_of(&member);
        for attr in attrs.iter().filter(|attr| attribute(attr.path()).is_some_and(|kind| !matches!(kind, Attribute::Deferred(_)))) {
            let mark = Mark { path: attr.path().clone(), cfgs: outer.iter().cloned().chain(cfgs(attrs)).collect() };
            if !marks.iter().any(|known| known.path == mark.path && known.cfgs == mark.cfgs) {
                marks.push(mark);
            }
        }
    }
    marks
}

/// The impl without the attributes on its methods that the model has taken up: what is re-emitted, also beside errors.
#[must_use]
pub fn strip(item: TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(body)) = trees.last_mut()
        && body.delimiter() == Delimiter::Brace
    {
        let mut stripped = Group::new(Delimiter::Brace, strip_body(body.stream()));
        stripped.set_span(body.span());
        *body = stripped;
    }
    trees.into_iter().collect()
}

fn strip_body(body: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for tree in body {
        let after_pound = matches!(kept.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#');
        match &tree {
            TokenTree::Group(group) if after_pound && is_ours(group) => {
                kept.pop();
            }
            _ => kept.push(tree),
        }
    }
    kept.into_iter().collect()
}

fn is_ours(group: &Group) -> bool {
    let path = |input: ParseStream<'_>| {
        let path = input.call(Path::parse_mod_style)?;
        input.parse::<TokenStream>()?;
        Ok(path)
    };
    group.delimiter() == Delimiter::Bracket && path.parse2(group.stream()).is_ok_and(|path| attribute(&path).is_some())
}
