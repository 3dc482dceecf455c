//! From tokens to a checked handler.

use proc_macro2::{Span, TokenStream};
use syn::{GenericArgument, PathArguments, Type};

use super::model::{Batching, Handler, Kind, type_text};
use super::options::{Options, table};
use super::signature::{arguments, check_async, check_plain, check_receiver, output, parameters, published};
use crate::errors::Collector;
use crate::item::FnItem;
use crate::{Common, Errors, ItemKind, RequestKind, Setting, item_kind};

/// The largest batch.
const MOST: u32 = 10_000;

/// Reads a handler attribute and the free function it stands on.
///
/// # Errors
/// All mistakes in both.
pub fn parse(kind: Kind, attr: TokenStream, item: TokenStream) -> Result<Handler, Errors> {
    let mut errors = Collector::new();
    let Some(function) = read_fn(&mut errors, kind, item) else { return errors.finish(None) };
    if let Some(receiver) = function.sig.receiver() {
        let attribute = kind.attribute();
        errors.at(receiver, format!("{attribute} on a method works only in an impl marked with #[service], directly on the method (not within #[cfg_attr]): put #[service] on the impl"));
        return errors.finish(None);
    }
    let mut options = Options::default();
    table(kind, false).parse(&mut errors, attr, &mut options);
    let common = Common::new(options.krate.take(), &function.attrs, function.sig.ident.span());
    let handler = check(&mut errors, kind, options, &function, common);
    errors.finish(handler)
}

/// Reads a handler attribute on a method of a service's impl, whose crate path it shares.
pub(crate) fn parse_method(kind: Kind, attr: TokenStream, function: &FnItem, service: &Common) -> Result<Handler, Errors> {
    let mut errors = Collector::new();
    let mut options = Options::default();
    table(kind, true).parse(&mut errors, attr, &mut options);
    let missing = "a handler method takes `&self` first; a handler without a service is a free function";
    check_receiver(&mut errors, &function.sig, missing, "a service handles many messages at once, so its handlers share it");
    let common = Common::new(Some(service.krate.clone()), &function.attrs, function.sig.ident.span());
    let handler = check(&mut errors, kind, options, function, common);
    errors.finish(handler)
}

fn read_fn(errors: &mut Collector, kind: Kind, item: TokenStream) -> Option<FnItem> {
    let found = item_kind(&item);
    if found != ItemKind::Fn {
        let place = item.into_iter().next().map_or_else(Span::call_site, |first| first.span());
        let way_out = match (kind, found) {
            (Kind::Event, ItemKind::Struct) => ": an event type is marked with #[event]",
            (_, ItemKind::Impl) => ": put #[service] on the impl and this attribute on its methods",
            _ => "",
        };
        errors.at_span(place, format!("{} stands on a function or method, not on {}{way_out}", kind.attribute(), found.described()));
        return None;
    }
    errors.keep(syn::parse2(item))
}

fn check(errors: &mut Collector, kind: Kind, options: Options, function: &FnItem, common: Common) -> Option<Handler> {
    // Taken apart, so that no option can be forgotten here. The crate path has gone into `common`.
    let Options { krate: _, group, service, retry, timeout, batch, transactional, mut publishes } = options;
    let sig = &function.sig;
    check_plain(errors, sig, "a handler");
    check_async(errors, sig, "a handler");
    let mut types = parameters(errors, sig).into_iter();
    let output = output(errors, sig);
    let message = types.next();
    if message.is_none() {
        errors.at(&sig.ident, format!("a handler takes its message as its first argument{}", example(kind, sig.receiver().is_some())));
    }
    let (message, batch) = batched(errors, kind, message?, batch);
    if let Some(span) = transactional
        && batch.is_some()
    {
        errors
            .at_span(span, "a handler of batches can't be `transactional`: its messages are settled each by itself; take single messages");
    }
    let args = arguments(types.collect());
    publishes.extend(args.iter().filter_map(|arg| published(&arg.ty)));
    let (ident, vis, method) = (sig.ident.clone(), function.vis.clone(), sig.receiver().is_some());
    Some(Handler {
        common,
        kind,
        ident,
        vis,
        method,
        message,
        batch,
        args,
        output,
        group,
        service,
        retry,
        timeout,
        transactional: transactional.is_some(),
        publishes,
    })
}

/// The type of each message, and how batches of it are made if the handler takes a `Batch<Event>`.
fn batched(errors: &mut Collector, kind: Kind, message: Type, said: Option<(Span, Batching)>) -> (Type, Option<Batching>) {
    match (each_of(&message), kind, said) {
        (Some(each), Kind::Event, said) => {
            let batching = said.map_or_else(Batching::default, |(_, batching)| batching);
            if let Some(Setting::Literal(max)) = batching.max
                && max > MOST
            {
                errors.at(&message, format!("a batch has 1 to {MOST} messages: `max = {max}` is too many"));
            }
            (each, Some(batching))
        }
        (Some(_), Kind::Request(_), _) => {
            errors.at(&message, "a command or query is answered one by one: take the message itself, no batch of it");
            (message, None)
        }
        (None, _, Some((span, _))) => {
            errors
                .at_span(span, format!("`batch(..)` is for a handler that takes a batch: `batch: comms::Batch<{}>`", type_text(&message)));
            (message, None)
        }
        (None, _, None) => (message, None),
    }
}

/// The `E` of `Batch<E>`.
fn each_of(message: &Type) -> Option<Type> {
    let Type::Path(path) = message else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Batch")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match (arguments.args.first(), arguments.args.len()) {
        (Some(GenericArgument::Type(each)), 1) => Some(each.clone()),
        _ => None,
    }
}

fn example(kind: Kind, method: bool) -> String {
    let receiver = if method { "&self, " } else { "" };
    let parameter = match kind {
        Kind::Event => "event: OrderPlaced",
        Kind::Request(RequestKind::Command) => "command: PlaceOrder",
        Kind::Request(RequestKind::Query) => "query: GetOrder",
    };
    format!(": `({receiver}{parameter})`")
}
