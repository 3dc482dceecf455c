//! What is read from attributes, as both users of the models see it.

use std::time::Duration;

use comms_syntax::message::{Codec, Kind as MessageKind};
use comms_syntax::service::{After, Start};
use comms_syntax::{Attribute, Errors, Rate, RequestKind, Setting, attribute_of, handler, message, names, provider, route, service};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

fn texts(errors: &Errors) -> Vec<String> {
    errors.iter().map(|(_, text)| text).collect()
}

fn text(tokens: impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

fn event(attr: TokenStream, item: TokenStream) -> Result<message::Message, Errors> {
    message::parse(MessageKind::Event, attr, item)
}

#[test]
fn an_event_with_everything() {
    let attr =
        quote!(name = "orders.placed", version = 2, topic = "orders", key = id, broker = "audit", codec = "protobuf", schema = false);
    let item = quote! {
        /// First line.
        ///
        /// Second.
        #[derive(Clone, serde::Serialize, JsonSchema)]
        #[serde(rename_all = "camelCase", crate = "my::serde")]
        #[cfg(feature = "x")]
        pub struct Placed { id: u64 }
    };
    let read = event(attr, item).unwrap();
    assert_eq!((read.name.value.as_str(), read.version.value, read.topic.value.as_str()), ("orders.placed", 2, "orders"));
    assert_eq!(
        (text(&read.key), read.broker.unwrap().value, read.codec, read.schema),
        ("id".into(), "audit".into(), Codec::Protobuf, false)
    );
    assert_eq!((read.common.doc.as_str(), read.common.cfgs.len()), ("First line.\n\nSecond.", 1));
    assert!(read.derives.serialize && !read.derives.deserialize && read.derives.schema && read.derives.serde_crate);
    assert_eq!(text(&read.common.krate), "::comms");
}

#[test]
fn a_command_has_an_owner_and_defaults() {
    let kind = MessageKind::Request(RequestKind::Command);
    let read = message::parse(
        kind,
        quote!(name = "a", version = 1, owner = "orders", reply = BTreeMap<u8, Vec<u8>>, crate = x::y),
        quote!(
            struct A;
        ),
    )
    .unwrap();
    assert_eq!(read.topic.value, "commands.orders");
    let reply = read.reply.unwrap();
    assert_eq!((text(&reply.reply), reply.error.is_none()), ("BTreeMap<u8,Vec<u8>>".into(), true));
    assert_eq!(text(&read.common.krate), "x::y");
}

#[test]
fn all_mistakes_are_reported_together_and_where_they_stand() {
    let tokens: TokenStream = "name = 5, version = 0,\n topic = \"A B\", vresion = 1, key = total".parse().unwrap();
    let errors = event(
        tokens,
        quote!(
            struct A {
                id: u64,
            }
        ),
    )
    .unwrap_err();
    let lines: Vec<usize> = errors.iter().map(|(span, _)| span.start().line).collect();
    assert_eq!((texts(&errors).len(), &lines[..3]), (5, &[1, 1, 2][..]), "{:#?}", texts(&errors));
}

#[test]
fn what_was_tried_is_not_called_missing_and_what_was_not_is() {
    let errors = event(
        quote!(name = 5, version = 1),
        quote!(
            struct A;
        ),
    )
    .unwrap_err();
    let [name, topic] = &texts(&errors)[..] else { panic!("{:?}", texts(&errors)) };
    assert!(name.contains("text in quotes") && topic.contains("needs `topic"), "{name} {topic}");
}

#[test]
fn a_type_with_commas_in_a_broken_option_makes_no_further_mistakes() {
    let kind = MessageKind::Request(RequestKind::Query);
    let errors = message::parse(
        kind,
        quote!(name = "a", versoin = Map<u8, u16>, version = 1, owner = "o"),
        quote!(
            struct A;
        ),
    )
    .unwrap_err();
    assert_eq!(texts(&errors).len(), 1, "{:?}", texts(&errors));
}

#[test]
fn a_service_with_everything() {
    let attr = quote! {
        name = "billing", version = "1.2.0", tags("x", "y"), layers(a::Audit, Limit<3>),
        subscribe("orders", group = "g", ordered(shards = 8, after = "park-key"), concurrency = limits::MANY, dedup = "10m", throttle = "100/s burst 5", from = "earliest", broker = "audit"),
        subscribe("shop.#", ordered),
    };
    let item = quote!(
        pub struct Billing {
            events: comms::Publisher<Issued>,
            #[cfg(unix)]
            store: Store,
        }
    );
    let read = service::parse_struct(attr, item).unwrap();
    let [orders, shop] = &read.subscriptions[..] else { panic!("two subscriptions") };
    let ordered = orders.ordered.as_ref().unwrap();
    assert!(matches!(ordered.shards, Some(Setting::Literal(8))) && ordered.after == After::ParkKey);
    assert!(matches!(&orders.concurrency, Some(Setting::Constant(path)) if text(path) == "limits::MANY"));
    assert!(matches!(orders.dedup, Some(Setting::Literal(window)) if window == Duration::from_secs(600)));
    assert!(matches!(orders.throttle, Some(Setting::Literal(Rate { count: 100, burst: Some(5), .. }))));
    assert_eq!((orders.from, shop.topic.value.as_str()), (Some(Start::Earliest), "shop.#"));
    assert!(shop.ordered.as_ref().is_some_and(|ordered| ordered.shards.is_none() && ordered.after == After::Continue));
    assert_eq!((read.layers.len(), read.tags.len(), read.fields.len(), read.conditions().len()), (2, 2, 2, 1));
    assert_eq!(read.publishes.iter().map(text).collect::<Vec<_>>(), ["Issued"]);
}

#[test]
fn the_handlers_of_an_impl_and_nothing_else() {
    let item = quote! {
        #[cfg(unix)]
        impl crate::Billing {
            const LIMIT: Range = Range { to: 5 };
            #[event_handler(group = "g", retry(max = 5, backoff = "100ms..30s"), timeout = T, publishes(A, B<C, D>))]
            async fn on_placed(&self, Placed { id, .. }: Placed, events: Publisher<Paid>) -> Result<(), E> { not , parsed }
            #[comms::command]
            pub async fn place(&self, command: Place) -> Result<u8, E> {}
            fn helper() where u8: Copy {}
        }
    };
    let read = service::parse_impl(TokenStream::new(), item.clone()).unwrap();
    assert_eq!((text(&read.service), read.ident.to_string(), read.common.cfgs.len()), ("crate::Billing".into(), "Billing".into(), 1));
    let [placed, place] = &read.handlers[..] else { panic!("two handlers") };
    assert_eq!((text(&placed.message), placed.args.len(), placed.method), ("Placed".into(), 1, true));
    assert_eq!(placed.publishes.iter().map(text).collect::<Vec<_>>(), ["A", "B<C,D>", "Paid"]);
    assert_eq!(place.kind, handler::Kind::Request(RequestKind::Command));
    assert_eq!(names::method_descriptor(&read.ident, &placed.ident), "__comms_Billing_on_placed");
    let stripped = text(service::strip_impl(item));
    assert!(!stripped.contains("event_handler") && !stripped.contains("command]") && stripped.contains("{not,parsed}"), "{stripped}");
}

#[test]
fn a_route_takes_its_arguments_by_name_and_mark() {
    let item = quote! {
        impl Orders {
            /// Changes it.
            #[put("/orders/{id}/{type}", status = 202, timeout = "5s", limit(body = "64KiB"))]
            #[cfg(unix)]
            async fn change(&self, New { a, .. }: New, id: Id, r#type: Kind, #[query] dry: Option<bool>, #[header("x-t")] #[allow(unused)] t: T, #[extract] Host(h): Host) -> Result<u8, E> {}
            #[get("/orders", limit())]
            async fn list(&self, mut customer: Option<String>) -> () {}
        }
    };
    let read = service::parse_impl(TokenStream::new(), item.clone()).unwrap();
    let [change, list] = &read.routes[..] else { panic!("two routes") };
    let places: Vec<_> = change.parameters.iter().map(|it| (it.place, it.name.as_str(), text(&it.ty))).collect();
    let expected = [
        (route::Place::Body, "body", "New"),
        (route::Place::Path, "id", "Id"),
        (route::Place::Path, "type", "Kind"),
        (route::Place::Query, "dry", "Option<bool>"),
        (route::Place::Header, "x-t", "T"),
        (route::Place::Extracted, "extracted", "Host"),
    ];
    assert_eq!(places.len(), expected.len());
    for (found, expected) in places.iter().zip(expected) {
        assert_eq!((found.0, found.1, found.2.as_str()), expected);
    }
    assert_eq!(
        (change.status, change.requests().as_str(), change.common.doc.as_str()),
        (Some(202), "PUT /orders/{id}/{type}", "Changes it.")
    );
    assert!(matches!(change.timeout, Some(Setting::Literal(time)) if time == Duration::from_secs(5)));
    assert!(matches!(change.body_limit, Some(Setting::Literal(65_536))));
    assert_eq!((list.parameters[0].place, list.parameters[0].name.as_str()), (route::Place::Query, "customer"));
    assert!(list.output.is_none() && list.body_limit.is_none());
    let stripped = text(service::strip_impl(item));
    for mark in ["#[put", "#[get", "#[query]", "#[header", "#[extract]"] {
        assert!(!stripped.contains(mark), "{mark} in {stripped}");
    }
    assert!(stripped.contains("#[allow(unused)]t:T") && stripped.contains("#[cfg(unix)]"), "{stripped}");
}

#[test]
fn the_mistakes_of_a_route_are_told_all_at_once() {
    let item = quote! {
        impl Orders {
            #[get("/orders/{id}/{lines}", sttus = 200, timeout = 5)]
            fn find(self, line: u8, #[body] a: A, #[path] b: B, (c, d): C, #[header("X-A")] e: &str) {}
        }
    };
    let errors = service::parse_impl(TokenStream::new(), item).unwrap_err();
    let expected = [
        "unknown option `sttus` of #[get]; did you mean `status`?",
        "expected a duration",
        "write `&self`",
        "a route is an `async fn`",
        "a GET request has no body",
        "the path has no `{b}`",
        "a query parameter, which has the name of its argument",
        "take it without `&`",
        "in lower case",
        "`{id}` of the path has no argument",
        "`{lines}` of the path has no argument; did you mean `line`?",
    ];
    let texts = texts(&errors);
    assert_eq!(texts.len(), expected.len(), "{texts:#?}");
    for (text, expected) in texts.iter().zip(expected) {
        assert!(text.contains(expected), "expected {expected} in {texts:#?}");
    }
}

#[test]
fn an_attribute_within_a_body_is_left_alone() {
    let item = quote!(impl A { fn a(&self) { #[get] fn inner() {} } });
    assert!(text(service::strip_impl(item)).contains("#[get]"));
}

#[test]
fn a_free_handler_names_its_service() {
    let item = quote!(
        pub(crate) async fn on_paid(event: Paid, mailer: Mailer) {}
    );
    let read = handler::parse_fn(handler::Kind::Event, quote!(service = "billing", retry = limits::RETRY), item).unwrap();
    assert_eq!((read.service.unwrap().value.as_str(), text(&read.vis)), ("billing", "pub(crate)".into()));
    assert!(matches!(read.retry, Some(handler::Retry::Constant(_))) && read.output.is_none() && !read.method);
    assert_eq!(names::function_descriptor(&read.ident), "__comms_on_paid");
}

#[test]
fn a_provider_that_can_fail_is_told_by_the_name_of_its_result() {
    let read = |item: TokenStream| provider::parse(TokenStream::new(), item).unwrap();
    assert_eq!(
        text(
            read(quote!(
                async fn a(x: X) -> anyhow::Result<Pool> {}
            ))
            .fallible
        ),
        "Pool"
    );
    let plain = read(quote!(
        fn a() -> Option<Pool> {}
    ));
    assert!(plain.fallible.is_none() && !plain.is_async && text(&plain.output) == "Option<Pool>");
}

#[test]
fn every_deferred_attribute_is_refused_by_name() {
    for name in ["authorize", "public", "aggregate", "projection", "upcast", "saga", "step", "on"] {
        let attribute = syn::Ident::new(name, proc_macro2::Span::call_site());
        let errors = service::parse_impl(TokenStream::new(), quote!(impl A { #[#attribute(x)] async fn a(&self, x: X) {} })).unwrap_err();
        let [text] = &texts(&errors)[..] else { panic!("{:?}", texts(&errors)) };
        assert!(text.starts_with(&format!("#[{name}] is not available yet; until it is, ")), "{text}");
    }
}

#[test]
fn an_item_is_recognized_by_its_first_attribute_of_ours() {
    let item: syn::ItemFn = syn::parse_quote!(
        #[inline]
        #[comms::event_handler]
        async fn a(b: B) {}
    );
    assert_eq!(attribute_of(&item.attrs).unwrap().0, Attribute::EventHandler);
    let other: syn::ItemFn = syn::parse_quote!(
        #[tokio::test]
        async fn a() {}
    );
    assert!(attribute_of(&other.attrs).is_none());
}

#[test]
fn no_attribute_makes_the_reader_panic() {
    let attrs = [
        "",
        ",",
        "=",
        "name",
        "name =",
        "name = ,",
        "()",
        "name()",
        "name = \"a\" \"b\"",
        "subscribe",
        "subscribe()",
        "subscribe(,)",
        "subscribe = 5",
        "retry(",
        "\"x\"",
        "::",
        "a b c",
        "name = \"a\",, version = 1",
        "#",
        "crate",
        "crate = ",
        "key = 0",
        "tags(5)",
        "ordered(ordered)",
    ];
    let items = [
        "",
        "struct",
        "struct A;",
        "struct A(u8);",
        "fn",
        "fn a",
        "fn a() {}",
        "async fn a(&self);",
        "impl",
        "impl A {}",
        "impl A { fn }",
        "impl A { #[event_handler] }",
        "impl A for B {}",
        "impl !A for B {}",
        "enum A {}",
        "pub",
        "#[x]",
        "const A: u8 = 1;",
        "impl A { #[event_handler] const B: u8 = 1; }",
        "impl A { #[get] async fn a(&self); }",
        "impl A { #[post(\"/{a}\", status = , limit(body))] async fn a(#[header] a: B, #[query = 5] (b, c): D, #[x::y] E { .. }: _) }",
        "impl A { #[put(\"/\" 5)] fn a<F: Fn(u8)>(#[body] self: B) }",
        "impl (A, B) {}",
        "impl<T> A<T> where T: B { #[query = 5] fn a() {} }",
    ];
    for attr in attrs.iter().filter_map(|text| text.parse::<TokenStream>().ok()) {
        for item in items.iter().filter_map(|text| text.parse::<TokenStream>().ok()) {
            let _ = event(attr.clone(), item.clone());
            let _ = message::parse(MessageKind::Request(RequestKind::Query), attr.clone(), item.clone());
            let _ = service::parse_struct(attr.clone(), item.clone());
            let _ = service::parse_impl(attr.clone(), item.clone());
            let _ = handler::parse_fn(handler::Kind::Event, attr.clone(), item.clone());
            let _ = handler::parse_fn(handler::Kind::Request(RequestKind::Command), attr.clone(), item.clone());
            let _ = provider::parse(attr.clone(), item.clone());
            let _ = (route::refuse_outside(route::Verb::Get, item.clone()), service::strip_function(item.clone()));
            let _ = (service::strip_impl(item.clone()), service::marks(item.clone()), comms_syntax::item_kind(&item));
        }
    }
}
