//! `#[event]`, `#[command]`, `#[query]` on a struct: the identity on the wire, the codec and the key.

use comms_syntax::message::{Codec, Kind, Message, Reply};
use comms_syntax::{RequestKind, names};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};

use crate::tokens::{at, listed, number, optional};

/// The derives that the struct does not have itself. They stand above it, so that helper attributes
/// within it come after them.
pub(crate) fn derives(message: &Message) -> TokenStream {
    if message.codec == Codec::Protobuf {
        return TokenStream::new();
    }
    let (krate, own) = (&message.common.krate, &message.derives);
    let serialize = (!own.serialize).then(|| quote!(#krate::__private::serde::Serialize));
    let deserialize = (!own.deserialize).then(|| quote!(#krate::__private::serde::Deserialize));
    let schema = (message.schema && !own.schema).then(|| quote!(#krate::__private::schemars::JsonSchema));
    let serde = ((serialize.is_some() || deserialize.is_some()) && !own.serde_crate).then(|| helper(message, "serde"));
    let schemars = (schema.is_some() && !own.schemars_crate).then(|| helper(message, "schemars"));
    let derives: Vec<TokenStream> = [serialize, deserialize, schema].into_iter().flatten().collect();
    let derive = (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]));
    // A derive above the `#[cfg]` of its item would outlive it.
    let cfgs = &message.common.cfgs;
    quote!(#(#cfgs)* #derive #serde #schemars)
}

/// `#[serde(crate = "..")]`: where the derive finds its crate.
fn helper(message: &Message, name: &str) -> TokenStream {
    let path = format!("{}::__private::{name}", message.common.krate.to_token_stream().to_string().replace(' ', ""));
    let name = quote::format_ident!("{name}");
    quote!(#[#name(crate = #path)])
}

pub(crate) fn expand(message: &Message) -> TokenStream {
    let Message { common, ident, .. } = message;
    let (krate, cfgs) = (&common.krate, &common.cfgs);
    let (message_type, key, codec) = (message_type(message), key(message), codec(message));
    let kind = kind(message);
    let listed = listed(common, &names::entry(ident));
    quote! {
        #(#cfgs)*
        impl #krate::Message for #ident {
            const TYPE: #krate::message::MessageType = #message_type;
            fn key(&self) -> #krate::__private::Key {
                #key
            }
            #codec
        }
        #kind
        #listed
    }
}

fn message_type(message: &Message) -> TokenStream {
    let Message { common, ident, name, version, topic, key, broker, codec, reply, kind, .. } = message;
    let krate = &common.krate;
    let (name, version, topic, doc) = (&name.value, number(version.value.into()), &topic.value, &common.doc);
    let kind = match kind {
        Kind::Event => quote!(Event),
        Kind::Request(RequestKind::Command) => quote!(Command),
        Kind::Request(RequestKind::Query) => quote!(Query),
    };
    let broker = broker.as_ref().map_or("default", |broker| &broker.value);
    let content_type = match codec {
        Codec::Json => quote!(JSON),
        Codec::Protobuf => quote!(PROTOBUF),
    };
    let owner = optional(reply.as_ref().map(|reply| reply.owner.value.as_str()));
    let key = optional(key.as_ref().map(|key| key.to_token_stream().to_string()).as_deref());
    let path = format!("::{}", names::entry(ident));
    quote! {
        #krate::message::MessageType {
            name: #name,
            version: #version,
            kind: #krate::message::MessageKind::#kind,
            topic: #topic,
            broker: #broker,
            content_type: #krate::message::codec::#content_type,
            owner: #owner,
            key: #key,
            doc: #doc,
            rust_path: ::core::concat!(::core::module_path!(), #path),
        }
    }
}

fn key(message: &Message) -> TokenStream {
    let krate = &message.common.krate;
    match &message.key {
        Some(key) => quote_spanned!(at(key)=> #krate::__private::key(&self.#key)),
        None => quote!(::core::option::Option::None),
    }
}

fn codec(message: &Message) -> TokenStream {
    let krate = &message.common.krate;
    let (encode, decode) = match message.codec {
        Codec::Json => (quote!(json_encode(Self::TYPE.name, self)), quote!(json_decode)),
        Codec::Protobuf => (quote!(protobuf_encode(self)), quote!(protobuf_decode)),
    };
    let encode = match message.codec {
        Codec::Json => quote!(#krate::message::codec::#encode),
        Codec::Protobuf => quote!(::core::result::Result::Ok(#krate::message::codec::#encode)),
    };
    let schema = match (message.codec, message.schema) {
        (Codec::Json, true) => quote!(#krate::__private::schema_of::<Self>()),
        _ => quote!(::core::option::Option::None),
    };
    quote! {
        fn encode(&self) -> #krate::__private::Encoded {
            #encode
        }
        fn decode(content_type: #krate::__private::ContentType<'_>, payload: &[u8]) -> #krate::__private::Decoded<Self> {
            #krate::message::codec::#decode(Self::TYPE.name, content_type, payload)
        }
        fn schema() -> #krate::__private::Schema {
            #schema
        }
    }
}

/// What tells an event from a command from a query.
fn kind(message: &Message) -> TokenStream {
    let (krate, cfgs, ident) = (&message.common.krate, &message.common.cfgs, &message.ident);
    let marker = match message.kind {
        Kind::Event => quote!(Event),
        Kind::Request(RequestKind::Command) => quote!(Command),
        Kind::Request(RequestKind::Query) => quote!(Query),
    };
    let request = message.reply.as_ref().map(|Reply { reply, error, .. }| {
        let reply = reply.as_ref().map_or_else(|| quote!(()), ToTokens::to_token_stream);
        let error = error.as_ref().map_or_else(|| quote!(#krate::Failure), ToTokens::to_token_stream);
        quote! {
            #(#cfgs)*
            impl #krate::Request for #ident {
                type Reply = #reply;
                type Error = #error;
            }
        }
    });
    quote! {
        #request
        #(#cfgs)*
        impl #krate::#marker for #ident {}
    }
}
