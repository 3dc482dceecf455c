//! What the crates of a build say, as plain data: checks and output see nothing else.

use comms_syntax::route::{Template, Verb};

pub(crate) use crate::contracts::{Client, ClientKind, ClientRef, Contract, ContractRef, Implementation, TraitTarget, TraitUse};

use crate::diagnosis::Place;
use crate::scan::cfg::Cfg;
use crate::scan::reach::Barrier;

/// The crates of a build: those that wiring is generated for, and those that are only known.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) crates: Vec<Crate>,
}

impl World {
    pub(crate) fn message(&self, at: MessageRef) -> &Message {
        &self.crates[at.krate].messages[at.message]
    }

    pub(crate) fn contract(&self, at: ContractRef) -> &Contract {
        &self.crates[at.krate].contracts[at.contract]
    }

    pub(crate) fn client(&self, at: ClientRef) -> &Client {
        &self.crates[at.krate].clients[at.client]
    }

    /// Every message of every crate.
    pub(crate) fn messages(&self) -> impl Iterator<Item = (MessageRef, &Message)> {
        let crates = self.crates.iter().enumerate();
        crates.flat_map(|(krate, of)| of.messages.iter().enumerate().map(move |(message, it)| (MessageRef { krate, message }, it)))
    }
}

/// One crate.
#[derive(Debug)]
pub(crate) struct Crate {
    /// Its name in Rust code.
    pub(crate) name: String,
    pub(crate) package: String,
    pub(crate) role: Role,
    /// The name of the generated files, without extension.
    pub(crate) stem: String,
    /// The name of its line in the index.
    pub(crate) index_key: String,
    pub(crate) messages: Vec<Message>,
    pub(crate) services: Vec<Service>,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) routes: Vec<Route>,
    pub(crate) providers: Vec<Provider>,
    pub(crate) contracts: Vec<Contract>,
    pub(crate) implementations: Vec<Implementation>,
    pub(crate) clients: Vec<Client>,
    /// The paths of all annotated items that the scan saw, for the index.
    pub(crate) listed: Vec<String>,
    /// Something could not be read: what seems to be missing may be there.
    pub(crate) incomplete: bool,
    /// The crates that `comms::main!(a, b)` of this root runs, if it is such a main.
    pub(crate) runs: Vec<String>,
}

impl Crate {
    pub(crate) fn is_lib(&self) -> bool {
        self.stem == "lib"
    }

    pub(crate) fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }
}

/// What a crate is to this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Wiring is generated for it.
    Generated,
    /// A root of the package without `comms::wiring!()`: only looked at.
    Other,
    /// A member of the system that this package puts together.
    Member,
    /// A crate of shared messages.
    Contracts,
}

/// Where an item stands and whether it exists.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The modules around it, without the crate's name.
    pub(crate) module: Vec<String>,
    pub(crate) place: Place,
    /// All conditions, those of its modules first.
    pub(crate) cfgs: Vec<Cfg>,
    /// What keeps the crate root from naming it.
    pub(crate) barrier: Option<Barrier>,
    /// It exists in test builds only, and is not wired.
    pub(crate) test_only: bool,
    /// Other crates can name it by this path.
    pub(crate) exported: bool,
}

impl Origin {
    /// Whether it exists in every build.
    pub(crate) fn is_unconditional(&self) -> bool {
        self.cfgs.is_empty()
    }

    /// The path of something beside the item, as the crate root writes it.
    pub(crate) fn path_of(&self, name: &str) -> String {
        self.module.iter().map(String::as_str).chain([name]).fold("crate".to_owned(), |path, part| path + "::" + part)
    }
}

/// A message of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MessageRef {
    pub(crate) krate: usize,
    pub(crate) message: usize,
}

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    Command,
    Query,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Command => "command",
            Self::Query => "query",
        }
    }

    /// The attribute that a handler of it has.
    pub(crate) fn handler_attribute(self) -> &'static str {
        match self {
            Self::Event => "event_handler",
            Self::Command => "command",
            Self::Query => "query",
        }
    }
}

/// An annotated message struct.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) origin: Origin,
    /// The name of the struct.
    pub(crate) ident: String,
    pub(crate) kind: Kind,
    pub(crate) wire_name: String,
    pub(crate) version: u32,
    pub(crate) topic: String,
    pub(crate) broker: String,
    pub(crate) owner: Option<String>,
}

/// A type that a handler takes or a service publishes.
#[derive(Clone, Debug)]
pub(crate) struct TypeUse {
    /// As the user wrote it.
    pub(crate) text: String,
    /// The message that it is, where the scan can tell.
    pub(crate) message: Option<MessageRef>,
}

/// An annotated service struct.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) origin: Origin,
    pub(crate) ident: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) tags: Vec<String>,
    pub(crate) subscriptions: Vec<Subscription>,
    /// Whether layers of its own run around its handlers.
    pub(crate) has_layers: bool,
    /// From its `Publisher<T>` fields.
    pub(crate) publishes: Vec<TypeUse>,
    /// From its fields.
    pub(crate) calls: Vec<ClientRef>,
}

/// `subscribe(..)` on a service.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) topic: String,
    pub(crate) broker: String,
    pub(crate) group: Option<String>,
    pub(crate) ordered: bool,
    pub(crate) place: Place,
}

/// A handler: a method of a service, or a free function.
#[derive(Clone, Debug)]
pub(crate) struct Handler {
    pub(crate) origin: Origin,
    /// The method or function.
    pub(crate) name: String,
    /// `Billing::on_paid` or `on_paid`.
    pub(crate) item: String,
    /// The type beside it that the wiring names.
    pub(crate) descriptor: String,
    pub(crate) is_free: bool,
    /// The name of its service, where the scan can tell.
    pub(crate) service: Option<String>,
    pub(crate) kind: Kind,
    /// Whether it takes several messages at once.
    pub(crate) takes_batches: bool,
    pub(crate) message: TypeUse,
    pub(crate) group: Option<String>,
    /// Whether it has further arguments, which are injected.
    pub(crate) has_arguments: bool,
    pub(crate) publishes: Vec<TypeUse>,
    /// From its further arguments.
    pub(crate) calls: Vec<ClientRef>,
}

/// A method of a service that answers HTTP requests.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) origin: Origin,
    /// The method.
    pub(crate) name: String,
    /// `Billing::invoice`.
    pub(crate) item: String,
    /// The type beside it that the wiring names.
    pub(crate) descriptor: String,
    /// The name of its service, where the scan can tell.
    pub(crate) service: Option<String>,
    pub(crate) verb: Verb,
    pub(crate) path: Template,
}

impl Route {
    /// The requests that it answers: `GET /invoices/{id}`.
    pub(crate) fn requests(&self) -> String {
        format!("{} {}", self.verb.method(), self.path.text)
    }
}

/// A `#[provider]` function.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) origin: Origin,
    pub(crate) name: String,
    pub(crate) descriptor: String,
    /// From its `Publisher<T>` arguments: what it makes publishes them.
    pub(crate) publishes: Vec<TypeUse>,
}
