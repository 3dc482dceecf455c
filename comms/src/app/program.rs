//! Generated wiring as the operator commands see it.

use std::collections::HashSet;
use std::marker::PhantomData;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::commands::{self, Program, asyncapi_document, openapi_document};
use super::contents::Generators;
use super::host::{self, About, Document};
use super::model::{AppModel, HandlerModel, LayerModel, MessageModel, MessageName, ProviderModel, ServiceModel, SubscriptionModel};
use super::plans::{Planned, plan};
use super::problems::Problems;
use super::registry::{ProviderEntry, ServiceEntry};
use super::{AppBuilder, Wiring, broker_checks, factory};
use crate::broker::{Broker, BrokerError, Capabilities};
use crate::config::{BrokerConfig, Config};
use crate::error::BoxError;
use crate::handler::{Location, PIPELINE, ServiceDecl};
use crate::inject::TypeRef;

/// The generated main: reads the arguments and does what they say.
#[must_use]
pub fn main<W: Wiring>() -> ExitCode {
    main_with::<W>(|app| app)
}

/// The same, of an application to which something is added after its wiring: layers of clients, a merged router.
#[must_use]
pub fn main_with<W: Wiring>(with: fn(AppBuilder) -> AppBuilder) -> ExitCode {
    commands::main(std::env::args_os(), Box::new(Generated::<W> { with, wiring: PhantomData }))
}

/// The program of some wiring.
struct Generated<W> {
    with: fn(AppBuilder) -> AppBuilder,
    wiring: PhantomData<fn() -> W>,
}

impl<W: Wiring> Generated<W> {
    fn app(&self) -> AppBuilder {
        (self.with)(AppBuilder::of::<W>())
    }

    fn document(&self, config: &Config, make: fn(&AppModel, &Config) -> Value) -> Document {
        let (config, program) = (config.clone(), Self { with: self.with, wiring: PhantomData });
        Box::new(move || make(&program.model(&config), &config))
    }
}

impl<W: Wiring> Program for Generated<W> {
    fn model(&self, config: &Config) -> AppModel {
        model(&self.app(), config, &mut Problems::default())
    }

    fn check(&self, config: &Config) -> Vec<String> {
        let (app, mut problems) = (self.app(), Problems::default());
        let plans = plan(&app.services, &app.handlers, config, &mut problems);
        let mut known = broker_checks::Known::new();
        for (name, broker) in &config.brokers {
            let capabilities = problems.keep_broker(format_args!("broker `{name}`"), factory::capabilities(name, broker));
            // What is wrong with a broker was said; that it lacks something as well says nothing new.
            known.insert(name, (broker.scheme(), capabilities.unwrap_or(Capabilities::all())));
        }
        broker_checks::check(&app, &plans, &known, &mut problems);
        app.routes.check(&mut problems);
        app.clients.check(config, &app.routes.served(), &mut problems);
        problems.into_texts()
    }

    fn connect<'a>(&'a self, name: &'a str, broker: &'a BrokerConfig) -> BoxFuture<'a, Result<Arc<dyn Broker>, BrokerError>> {
        Box::pin(async move { factory::connect(name, broker, &self.app().name).await })
    }

    fn run(self: Box<Self>, config: Config) -> BoxFuture<'static, Result<(), BoxError>> {
        let app = self.app();
        let (openapi, asyncapi) = (self.document(&config, openapi_document), self.document(&config, asyncapi_document));
        let about = About { info: info(&app), topology: topology::<W>(), openapi, asyncapi };
        Box::pin(host::run(app, config, about))
    }
}

fn info(app: &AppBuilder) -> Value {
    let services: Vec<Value> = app
        .services
        .iter()
        .map(|service| json!({ "name": service.decl.name, "version": service.decl.version, "tags": service.decl.tags }))
        .collect();
    json!({ "name": app.name, "packages": app.packages, "services": services, "comms": env!("CARGO_PKG_VERSION") })
}

fn topology<W: Wiring>() -> Value {
    let parsed = W::topologies().into_iter().filter_map(|text| serde_json::from_str(text).ok());
    json!({ "packages": parsed.collect::<Vec<Value>>() })
}

fn model(app: &AppBuilder, config: &Config, problems: &mut Problems) -> AppModel {
    let plans = plan(&app.services, &app.handlers, config, problems);
    app.routes.check(problems);
    let mut schemas = Generators::new();
    let mut services: Vec<ServiceModel> = app.services.iter().map(|service| service_model(service, app, config, &mut schemas)).collect();
    for planned in &plans {
        let at = services.iter().position(|service| service.name == planned.service).unwrap_or_else(|| {
            services.push(implied_service(planned, app));
            services.len() - 1
        });
        services[at].subscriptions.push(subscription_model(planned));
    }
    AppModel {
        name: app.name.clone(),
        packages: app.packages.iter().map(ToString::to_string).collect(),
        services,
        messages: app.messages.iter().map(|entry| MessageModel::of(&entry.message, (entry.schema)())).collect(),
        providers: app.providers.iter().map(provider_model).collect(),
        clients: app.clients.models(config, &app.routes.served()),
        layers: PIPELINE.iter().map(|&(name, does)| LayerModel { name, does }).collect(),
        definitions: schemas.into_definitions(),
    }
}

fn service_model(service: &ServiceEntry, app: &AppBuilder, config: &Config, schemas: &mut Generators) -> ServiceModel {
    let mut model = ServiceModel::of(&service.decl);
    model.routes = app.routes.models(service.decl.name, config, schemas);
    model.grpc = app.routes.grpc_models(service.decl.name, config);
    model.layers = service.layer_names.iter().map(ToString::to_string).collect();
    let own = service.publishes.iter().map(MessageName::of);
    model.publishes = own.chain(published_by_handlers(service.decl.name, app)).collect();
    model.publishes.sort();
    model.publishes.dedup();
    model.contracts = app.routes.contracts_of(service.decl.name);
    model.calls = calls(service.decl.name, &service.depends, app);
    model
}

/// The clients that a service has, or one of its handlers, or a provider that makes something for them.
fn calls(service: &str, depends: &[TypeRef], app: &AppBuilder) -> Vec<&'static str> {
    let handlers = app.handlers.iter().filter(|handler| handler.service == service);
    let mut waiting: Vec<TypeRef> = handlers.flat_map(|handler| (handler.depends)()).chain(depends.iter().copied()).collect();
    let mut wanted = HashSet::new();
    while let Some(next) = waiting.pop() {
        if wanted.insert(next) {
            let made = app.providers.iter().filter(|provider| provider.provides == next);
            waiting.extend(made.flat_map(|provider| &provider.depends));
        }
    }
    app.clients.named(&wanted)
}

/// A service that only free functions name.
fn implied_service(planned: &Planned, app: &AppBuilder) -> ServiceModel {
    let location = planned.handlers.first().map_or(Location::new("", 0), |handler| handler.decl.location);
    let mut model = ServiceModel::of(&ServiceDecl::new(planned.service, "0.0.0", location));
    model.publishes = published_by_handlers(planned.service, app).collect();
    model.calls = calls(planned.service, &[], app);
    model
}

fn published_by_handlers<'a>(service: &'a str, app: &'a AppBuilder) -> impl Iterator<Item = MessageName> + 'a {
    let handlers = app.handlers.iter().filter(move |handler| handler.service == service);
    handlers.flat_map(|handler| handler.publishes).map(MessageName::of)
}

fn subscription_model(planned: &Planned) -> SubscriptionModel {
    let mut model = SubscriptionModel::of(&planned.subscription, planned.service);
    model.handlers = planned.handlers.iter().map(|handler| HandlerModel::of(&handler.decl, &handler.message)).collect();
    model
}

fn provider_model(provider: &ProviderEntry) -> ProviderModel {
    ProviderModel {
        name: provider.decl.name.to_owned(),
        provides: provider.provides.name().to_owned(),
        location: provider.decl.location.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::SubscriptionDecl;
    use crate::inject::{InjectError, Scope};

    /// A service that subscribes where nothing is.
    struct Auditor;

    impl crate::Service for Auditor {
        const DECL: ServiceDecl = ServiceDecl::new("auditor", "1.0.0", Location::new(file!(), line!()))
            .subscriptions(&[SubscriptionDecl::new("audits").broker("audit")]);
        type Dependencies = ();

        fn build(_: &Scope) -> Result<Self, InjectError> {
            Ok(Self)
        }
    }

    struct Wired;

    impl Wiring for Wired {
        const PACKAGE: &'static str = "wired";
        const TOPOLOGY: &'static str = "{}";

        fn wire(app: AppBuilder) -> AppBuilder {
            app.service::<Auditor>()
        }
    }

    fn wired() -> Generated<Wired> {
        Generated { with: |app| app, wiring: PhantomData }
    }

    fn checked(config: &Config) -> Vec<String> {
        wired().check(config)
    }

    #[test]
    fn check_finds_a_broker_that_is_not_configured() {
        let problems = checked(&Config::default());
        assert!(problems.iter().any(|problem| problem.contains("on the broker `audit`, but there is only: default")), "{problems:?}");
    }

    #[test]
    fn check_reads_the_whole_url_of_each_broker() {
        let mut config = Config::default();
        config.brokers.insert("audit".to_owned(), BrokerConfig::new("memory:?capacity=many"));
        let problems = checked(&config);
        assert!(problems.iter().any(|problem| problem.contains("capacity=many")), "{problems:?}");
        assert!(!problems.iter().any(|problem| problem.contains("there is only")), "{problems:?}");
    }

    #[tokio::test]
    async fn a_broker_that_can_t_be_opened_is_not_called_missing_as_well() {
        let mut config = Config::default();
        config.brokers.insert("audit".to_owned(), BrokerConfig::new("amq://rabbit"));
        let error = wired().app().config(config).start().await.unwrap_err();
        assert!(error.to_string().contains("broker `audit`: `brokers.audit.url` begins with `amq:`"), "{error}");
        assert!(!error.to_string().contains("there is only"), "{error}");
    }

    #[test]
    fn the_printed_layers_are_those_of_the_pipeline() {
        let model = wired().model(&Config::default());
        let printed: Vec<&str> = model.layers.iter().map(|layer| layer.name).collect();
        let documented: Vec<&str> = PIPELINE.iter().map(|(name, _)| *name).collect();
        assert_eq!(printed, documented);
    }
}
