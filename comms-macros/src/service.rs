//! `#[service]` on a struct: how it is made; on its impl: its handlers and routes.

use comms_syntax::handler::published;
use comms_syntax::names;
use comms_syntax::service::{After, Field, Mark, Ordered, ServiceImpl, ServiceStruct, Start, Subscription};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, Type};

use crate::tokens::{asserted, at, doc, duration, injected, location, number, rate, setting};

pub(crate) fn expand(service: &ServiceStruct) -> TokenStream {
    let ServiceStruct { common, ident, layers, .. } = service;
    let (krate, cfgs) = (&common.krate, &common.cfgs);
    let (decl, dependencies, build) = (decl(service), dependencies(service), build(service));
    let (publishes, layered) = (publishes(service), layered(service));
    let layers: Vec<(&str, &Type)> = layers.iter().map(|layer| ("assert_layer", layer)).collect();
    let listed = asserted(common, &names::entry(ident), &layers);
    quote! {
        #(#cfgs)*
        impl #krate::Service for #ident {
            const DECL: #krate::handler::ServiceDecl = #decl;
            #publishes
            #dependencies
            #build
            #layered
        }
        #listed
    }
}

fn decl(service: &ServiceStruct) -> TokenStream {
    let ServiceStruct { common, name, version, tags, subscriptions, .. } = service;
    let krate = &common.krate;
    let (name, version, location) = (&name.value, &version.value, location(common));
    let tags = (!tags.is_empty()).then(|| {
        let tags = tags.iter().map(|tag| &tag.value);
        quote!(.tags(&[#(#tags),*]))
    });
    let subscriptions = (!subscriptions.is_empty()).then(|| {
        let subscriptions = subscriptions.iter().map(|subscription| subscription_decl(krate, subscription));
        quote!(.subscriptions(&[#(#subscriptions),*]))
    });
    let doc = doc(common);
    quote!(#krate::handler::ServiceDecl::new(#name, #version, #location) #tags #subscriptions #doc)
}

fn subscription_decl(krate: &syn::Path, subscription: &Subscription) -> TokenStream {
    // Taken apart, so that no option can be forgotten here.
    let Subscription { topic, group, broker, ordered, concurrency, dedup, throttle, from, span: _ } = subscription;
    let topic = &topic.value;
    let text =
        |method: TokenStream, text: &Option<comms_syntax::Text>| text.as_ref().map(|text| &text.value).map(|text| quote!(.#method(#text)));
    let (broker, group) = (text(quote!(broker), broker), text(quote!(group), group));
    let ordered = ordered.as_ref().map(|ordered| ordered_decl(krate, ordered));
    let concurrency = concurrency
        .as_ref()
        .map(|concurrency| setting(concurrency, |value| number(*value as u64)))
        .map(|value| quote!(.concurrency(#value)));
    let dedup = dedup.as_ref().map(|dedup| setting(dedup, duration)).map(|value| quote!(.dedup(#value)));
    let throttle = throttle.as_ref().map(|throttle| setting(throttle, |value| rate(krate, value))).map(|value| quote!(.throttle(#value)));
    let from = from.map(|from| match from {
        Start::New => quote!(.from(#krate::broker::StartPosition::New)),
        Start::Earliest => quote!(.from(#krate::broker::StartPosition::Earliest)),
    });
    quote!(#krate::handler::SubscriptionDecl::new(#topic) #broker #group #concurrency #ordered #dedup #throttle #from)
}

fn ordered_decl(krate: &syn::Path, Ordered { shards, after }: &Ordered) -> TokenStream {
    let shards = match shards {
        Some(shards) => setting(shards, |value| number((*value).into())),
        None => quote!(#krate::handler::DEFAULT_SHARDS),
    };
    let after = match after {
        After::Continue => quote!(Continue),
        After::ParkKey => quote!(ParkKey),
    };
    quote!(.ordered(#shards, #krate::handler::AfterDeadLetter::#after))
}

/// The types of the fields and layers; once for each combination of their conditions, since a tuple can't have
/// conditional parts.
fn dependencies(service: &ServiceStruct) -> TokenStream {
    let conditions = service.conditions();
    let variants = (0..1_usize << conditions.len()).map(|chosen| {
        let holds = |at: usize| chosen >> at & 1 == 0;
        let cfgs =
            conditions.iter().enumerate().map(|(at, condition)| if holds(at) { quote!(#condition) } else { quote!(not(#condition)) });
        let fields = service.fields.iter().filter(|field| field.condition_in(&conditions).is_none_or(holds));
        let types = fields.map(|field| &field.ty).chain(&service.layers);
        quote!(#(#[cfg(#cfgs)])* type Dependencies = (#(#types,)*);)
    });
    variants.collect()
}

fn build(service: &ServiceStruct) -> TokenStream {
    let krate = &service.common.krate;
    let fields = service.fields.iter().map(|field| injected_field(krate, field));
    let value = if service.unit { quote!(Self) } else { quote!(Self { #(#fields,)* }) };
    let (scope, import) = match service.fields.is_empty() {
        true => (quote!(_), None),
        false => (quote!(scope), Some(quote!(use #krate::__private::inject::via::*;))),
    };
    quote! {
        fn build(#scope: &#krate::inject::Scope) -> #krate::__private::Found<Self> {
            #import
            ::core::result::Result::Ok(#value)
        }
    }
}

/// The events that its fields publish, by their types.
fn publishes(service: &ServiceStruct) -> Option<TokenStream> {
    let krate = &service.common.krate;
    let mut events = service.fields.iter().filter_map(|field| published(&field.ty).map(|event| (&field.cfgs, event))).peekable();
    events.peek()?;
    let types = events.map(|(cfgs, event)| quote!(#(#cfgs)* #event));
    Some(quote!(const PUBLISHES: #krate::__private::Events = #krate::__published!(#(#types),*);))
}

fn layered(service: &ServiceStruct) -> Option<TokenStream> {
    let krate = &service.common.krate;
    let names = &service.layers;
    let layers: Vec<TokenStream> = names.iter().map(|layer| injected(krate, layer)).collect();
    (!layers.is_empty()).then(|| {
        quote! {
            const LAYERS: &'static [&'static str] = &[#(::core::stringify!(#names)),*];
            fn layers(scope: &#krate::inject::Scope) -> #krate::__private::Found<#krate::__private::Layers> {
                use #krate::__private::inject::via::*;
                ::core::result::Result::Ok(#krate::__private::Layers::from([#(#krate::handler::NamedLayer::new(#layers)),*]))
            }
        }
    })
}

fn injected_field(krate: &syn::Path, Field { ident, ty, cfgs }: &Field) -> TokenStream {
    let value = injected(krate, ty);
    quote!(#(#cfgs)* #ident: #value)
}

/// Uses the attributes that were taken off the methods: without this their imports would be called unused, and
/// editors would not know them.
pub(crate) fn imports(marks: &[Mark]) -> Option<TokenStream> {
    // Where it stands: an import that was forgotten is shown there.
    let import = |path: &syn::Path| quote_spanned!(at(path)=> use #path as _;);
    let imports = marks.iter().map(|Mark { path, cfgs }| {
        let import = import(path);
        quote!(#(#cfgs)* #[allow(unused_imports)] #import)
    });
    (!marks.is_empty()).then(|| quote!(const _: () = { #(#imports)* };))
}

pub(crate) fn methods(service: &ServiceImpl) -> TokenStream {
    let outer: &[Attribute] = &service.common.cfgs;
    let handlers = service.handlers.iter().map(|handler| crate::handler::method(service, outer, handler));
    handlers.chain(service.routes.iter().map(|route| crate::route::method(service, outer, route))).collect()
}
