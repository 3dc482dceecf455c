//! From annotated items to the model, through the same reading as the macros'.

use comms_syntax::{Attribute, RequestKind, handler, message, names, provider, service};
use proc_macro2::Span;
use quote::ToTokens;
use syn::{Item, Meta, Type};

pub(super) use super::annotated::{Annotated, arguments, bare};
use super::annotated::{add_cfgs, declaration};
use super::cfg;
use super::models::{default_broker, message_model, request_kind, route_model};
use super::reach::{Barrier, is_visible_in_root};
use super::resolve::{Krate, Target, resolve_attribute, resolve_type};
use super::scope::{plain_path, segments, visibility};
use super::walk::Found;
use crate::diagnosis::Place;
use crate::emit::index;
use crate::model::{Client, Contract, Crate, Handler, Kind, Message, MessageRef, Origin, Provider, Service, Subscription, TypeUse};
use crate::proto::ProtoServices;

/// Reads the items of one crate after another: messages first, so that handlers of all crates find them.
pub(crate) struct Reader<'a> {
    pub(crate) krates: &'a [Krate],
    /// What the package calls the crate `comms`.
    pub(crate) comms_names: &'a [String],
    /// The gRPC services of the package's `.proto` files.
    pub(crate) protos: &'a ProtoServices,
}

impl Reader<'_> {
    /// Reads the message types of a crate.
    pub(crate) fn messages(&self, krate: usize, into: &mut Crate) {
        for it in self.annotated(krate) {
            let Item::Struct(item) = &it.found.item else { continue };
            let kind = match it.attribute {
                Attribute::Event => message::Kind::Event,
                Attribute::Command => message::Kind::Request(RequestKind::Command),
                Attribute::Query => message::Kind::Request(RequestKind::Query),
                _ => continue,
            };
            match message::parse(kind, arguments(it.meta), bare(&it)) {
                Ok(model) => into.messages.push(message_model(model, self.origin(krate, &it, item.ident.span()))),
                Err(_) => into.incomplete = true,
            }
            self.list(krate, &it, &names::entry(&item.ident), into);
        }
    }

    /// Reads everything else; all messages, contracts and clients must have been read.
    pub(crate) fn services(&self, krate: usize, known: &Known<'_>, into: &mut Crate) {
        let annotated: Vec<Annotated<'_>> = self.annotated(krate).collect();
        for it in &annotated {
            match (&it.found.item, it.attribute) {
                (Item::Struct(item), Attribute::Service) => {
                    self.list(krate, it, &names::entry(&item.ident), into);
                    match service::parse_struct(arguments(it.meta), bare(it)) {
                        Ok(model) => into.services.push(self.service(krate, it, known, model)),
                        Err(_) => into.incomplete = true,
                    }
                }
                (Item::Struct(_), _) => {}
                // Without a `#[service]` around it, its attribute refuses it.
                (Item::Fn(_), Attribute::Route(_) | Attribute::Rpc) => {}
                (Item::Fn(item), attribute) => {
                    self.list(krate, it, &names::entry(&item.sig.ident), into);
                    self.function(krate, it, attribute, known, into);
                }
                _ => {}
            }
        }
        self.impls(krate, &annotated, known, into);
        into.handlers.sort_by(|left, right| left.origin.place.cmp(&right.origin.place));
        into.routes.sort_by(|left, right| left.origin.place.cmp(&right.origin.place));
        into.implementations.sort_by(|left, right| left.origin.place.cmp(&right.origin.place));
        let only = match &into.services[..] {
            [one] => Some(one.name.clone()),
            _ => None,
        };
        into.handlers.iter_mut().filter(|it| it.is_free && it.service.is_none()).for_each(|it| it.service.clone_from(&only));
    }

    /// The impls, once the structs of all services are known.
    fn impls(&self, krate: usize, annotated: &[Annotated<'_>], known: &Known<'_>, into: &mut Crate) {
        for it in annotated {
            let (Item::Impl(item), Attribute::Service) = (&it.found.item, it.attribute) else { continue };
            if item.trait_.is_some() {
                self.implementation(krate, it, known, into);
                continue;
            }
            let Ok(model) = service::parse_impl(arguments(it.meta), bare(it)) else {
                into.incomplete = true;
                continue;
            };
            let service = self.service_of(krate, it, &model.service, into);
            for handler in model.handlers {
                self.list(krate, it, &names::method_entry(&model.ident, &handler.ident), into);
                let mut origin = self.origin(krate, it, handler.ident.span());
                add_cfgs(&mut origin, &handler.common.cfgs);
                let descriptor = names::method_descriptor(&model.ident, &handler.ident).to_string();
                let item = names::method_entry(&model.ident, &handler.ident);
                let mut read = self.handler(krate, it.found.module, known, handler, origin);
                (read.descriptor, read.item, read.service, read.is_free) = (descriptor, item, service.clone(), false);
                into.handlers.push(read);
            }
            for route in model.routes {
                self.list(krate, it, &names::method_entry(&model.ident, &route.ident), into);
                let mut origin = self.origin(krate, it, route.ident.span());
                add_cfgs(&mut origin, &route.common.cfgs);
                into.routes.push(route_model(&model.ident, service.clone(), &route, origin));
            }
        }
    }

    /// The name of the service whose impl it is.
    pub(super) fn service_of(&self, krate: usize, it: &Annotated<'_>, path: &syn::Path, into: &Crate) -> Option<String> {
        let Target::Item { krate: of, module, name } = resolve_type(self.krates, krate, it.found.module, &segments(path)) else {
            return None;
        };
        let module = &self.krates[of].tree.modules[module].path;
        let mut services = into.services.iter().filter(|service| service.ident == name && service.origin.module == *module);
        services.next().filter(|_| of == krate).map(|service| service.name.clone())
    }

    fn function(&self, krate: usize, it: &Annotated<'_>, attribute: Attribute, known: &Known<'_>, into: &mut Crate) {
        let Item::Fn(item) = &it.found.item else { return };
        let origin = self.origin(krate, it, item.sig.ident.span());
        let kind = match attribute {
            Attribute::EventHandler => handler::Kind::Event,
            Attribute::Command => handler::Kind::Request(RequestKind::Command),
            Attribute::Query => handler::Kind::Request(RequestKind::Query),
            Attribute::Provider => {
                match provider::parse(arguments(it.meta), bare(it)) {
                    Ok(model) => into.providers.push(Provider {
                        origin,
                        name: names::entry(&model.ident),
                        descriptor: names::function_descriptor(&model.ident).to_string(),
                        publishes: self.type_uses(krate, it.found.module, known, model.args.iter().filter_map(handler::published)),
                    }),
                    Err(_) => into.incomplete = true,
                }
                return;
            }
            _ => return,
        };
        match handler::parse_fn(kind, arguments(it.meta), bare(it)) {
            Ok(model) => into.handlers.push(self.handler(krate, it.found.module, known, model, origin)),
            Err(_) => into.incomplete = true,
        }
    }

    fn handler(&self, krate: usize, module: usize, known: &Known<'_>, model: handler::Handler, origin: Origin) -> Handler {
        let kind = match model.kind {
            handler::Kind::Event => Kind::Event,
            handler::Kind::Request(kind) => request_kind(kind),
        };
        Handler {
            origin,
            name: names::entry(&model.ident),
            item: names::entry(&model.ident),
            descriptor: names::function_descriptor(&model.ident).to_string(),
            is_free: true,
            service: model.service.as_ref().map(|it| it.value.clone()),
            kind,
            takes_batches: model.batch.is_some(),
            message: self.type_use(krate, module, known, &model.message),
            group: model.group.as_ref().map(|it| it.value.clone()),
            has_arguments: !model.args.is_empty(),
            calls: self.clients_among(krate, module, known, model.args.iter().map(|arg| &arg.ty)),
            publishes: self.type_uses(krate, module, known, model.publishes),
        }
    }

    fn service(&self, krate: usize, it: &Annotated<'_>, known: &Known<'_>, model: service::ServiceStruct) -> Service {
        let origin = self.origin(krate, it, model.ident.span());
        let place = |span: Span| Place { file: origin.place.file.clone(), line: span.start().line };
        let subscriptions = model.subscriptions.iter().map(|it| Subscription {
            topic: it.topic.value.clone(),
            broker: it.broker.as_ref().map_or_else(default_broker, |it| it.value.clone()),
            group: it.group.as_ref().map(|it| it.value.clone()),
            ordered: it.ordered.is_some(),
            place: place(it.span),
        });
        Service {
            ident: names::entry(&model.ident),
            name: model.name.value,
            version: model.version.value,
            tags: model.tags.into_iter().map(|it| it.value).collect(),
            subscriptions: subscriptions.collect(),
            has_layers: !model.layers.is_empty(),
            publishes: self.type_uses(krate, it.found.module, known, model.publishes),
            calls: self.clients_among(krate, it.found.module, known, model.fields.iter().map(|field| &field.ty)),
            origin,
        }
    }

    fn type_uses(&self, krate: usize, module: usize, known: &Known<'_>, types: impl IntoIterator<Item = Type>) -> Vec<TypeUse> {
        types.into_iter().map(|ty| self.type_use(krate, module, known, &ty)).collect()
    }

    fn type_use(&self, krate: usize, module: usize, known: &Known<'_>, ty: &Type) -> TypeUse {
        let text = ty.to_token_stream().to_string().replace(' ', "");
        let message = plain_path(ty).and_then(|path| match resolve_type(self.krates, krate, module, &path) {
            Target::Item { krate, module, name } => known.message(krate, &self.krates[krate].tree.modules[module].path, &name),
            _ => None,
        });
        TypeUse { text, message }
    }

    /// The items that carry one of our attributes.
    pub(super) fn annotated(&self, krate: usize) -> impl Iterator<Item = Annotated<'_>> {
        self.krates[krate].tree.items.iter().flat_map(move |found| {
            let ours = found.attributes.iter().filter_map(move |attribute| {
                let kind = self.kind(krate, found, &attribute.meta)?;
                Some(Annotated { found, attribute: kind, meta: &attribute.meta, condition: attribute.condition.as_ref() })
            });
            ours.take(1)
        })
    }

    /// Which of our attributes it is, told by where its name comes from.
    fn kind(&self, krate: usize, found: &Found, meta: &Meta) -> Option<Attribute> {
        let path = segments(meta.path());
        let name = match resolve_attribute(self.krates, krate, found.module, &path) {
            Target::External(path) => match &path[..] {
                [of, name] if self.comms_names.contains(of) => name.clone(),
                _ => return None,
            },
            // A glob over another crate may bring the attribute in: it is ours if it reads as ours.
            Target::Unknown if path.len() == 1 => path[0].clone(),
            _ => return None,
        };
        comms_syntax::attribute(&syn::parse_str(&name).ok()?).filter(|it| !matches!(it, Attribute::Deferred(_)))
    }

    pub(super) fn origin(&self, krate: usize, it: &Annotated<'_>, name: Span) -> Origin {
        let module = &self.krates[krate].tree.modules[it.found.module];
        let place = Place { file: module.file.clone(), line: name.start().line };
        let mut cfgs = module.cfgs.clone();
        cfgs.extend(cfg::conditions(&it.found.attributes));
        cfgs.extend(it.condition.cloned());
        let private = visibility(&it.found.item).is_some_and(|it| !is_visible_in_root(it, module.path.len()));
        let own = private.then(|| Barrier { declaration: declaration(&it.found.item), place: place.clone() });
        let test_only = cfg::is_test_only(&cfgs);
        let exported = module.exported && visibility(&it.found.item).is_some_and(|it| matches!(it, syn::Visibility::Public(_)));
        Origin { module: module.path.clone(), place, barrier: module.barrier.clone().or(own), cfgs, test_only, exported }
    }

    pub(super) fn list(&self, krate: usize, it: &Annotated<'_>, item: &str, into: &mut Crate) {
        into.listed.push(index::path(&self.krates[krate].tree.modules[it.found.module].path, item));
    }
}

/// What was read of all crates before, found by the place of its struct or trait.
pub(crate) struct Known<'a> {
    pub(crate) messages: &'a [Vec<Message>],
    pub(crate) contracts: &'a [Vec<Contract>],
    pub(crate) clients: &'a [Vec<Client>],
}

impl Known<'_> {
    fn message(&self, krate: usize, module: &[String], ident: &str) -> Option<MessageRef> {
        let found = self.messages[krate].iter().position(|it| it.ident == ident && it.origin.module == module);
        found.map(|message| MessageRef { krate, message })
    }
}
