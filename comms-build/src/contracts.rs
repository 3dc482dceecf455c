//! Contracts, what implements them, and clients: the part of the model that is about calls.

use comms_syntax::route::{Template, Verb};

use crate::diagnosis::Place;
use crate::model::{Origin, Route, World};
use crate::proto::ProtoMethod;

/// A trait under `#[service]`, or of a foreign API under `#[client(url = "..")]`.
#[derive(Clone, Debug)]
pub(crate) struct Contract {
    pub(crate) origin: Origin,
    /// The name of the trait.
    pub(crate) ident: String,
    pub(crate) name: String,
    /// A foreign API has none.
    pub(crate) version: Option<String>,
    pub(crate) methods: Vec<ContractMethod>,
}

/// A method of a contract.
#[derive(Clone, Debug)]
pub(crate) struct ContractMethod {
    pub(crate) name: String,
    pub(crate) verb: Verb,
    pub(crate) path: Template,
    pub(crate) place: Place,
    /// It may not be there.
    pub(crate) conditional: bool,
}

/// A contract of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ContractRef {
    pub(crate) krate: usize,
    pub(crate) contract: usize,
}

/// A client of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ClientRef {
    pub(crate) krate: usize,
    pub(crate) client: usize,
}

/// A trait that is implemented or called.
#[derive(Clone, Debug)]
pub(crate) struct TraitUse {
    /// As the user wrote it.
    pub(crate) text: String,
    pub(crate) target: TraitTarget,
}

/// What such a trait is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TraitTarget {
    Contract(ContractRef),
    /// A gRPC service, by its name on the wire.
    Grpc(String),
    /// It would have been generated for a service that no `.proto` file has: its name, as the path says it.
    NoSuchProto(String),
    /// The scan sees the trait, which is none of these.
    NoContract,
    /// Nobody can tell without the compiler.
    Unknown,
}

/// The impl of a contract.
#[derive(Clone, Debug)]
pub(crate) struct Implementation {
    pub(crate) origin: Origin,
    /// `Bank::Payments`.
    pub(crate) item: String,
    /// The type beside it that the wiring names.
    pub(crate) descriptor: String,
    /// The name of its service, where the scan can tell.
    pub(crate) service: Option<String>,
    pub(crate) contract: TraitUse,
    /// The names of its methods in Rust, by which they are configured.
    pub(crate) methods: Vec<String>,
    /// Those that are marked with `#[rpc]`, with the lines where that stands.
    pub(crate) rpcs: Vec<(String, usize)>,
    /// What the `.proto` file says of the methods, where there is one that the scan knows.
    pub(crate) proto: Vec<ProtoMethod>,
}

impl Implementation {
    /// The requests that are answered because of it, where the scan can tell.
    pub(crate) fn routes(&self, world: &World) -> Vec<Route> {
        let TraitTarget::Contract(at) = self.contract.target else { return Vec::new() };
        let methods = world.contract(at).methods.iter().filter(|it| !it.conditional);
        let route = |method: &ContractMethod| Route {
            origin: self.origin.clone(),
            name: method.name.clone(),
            item: format!("{}::{}", self.item, method.name),
            descriptor: String::new(),
            service: self.service.clone(),
            verb: method.verb,
            path: method.path.clone(),
        };
        methods.map(route).collect()
    }
}

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKind {
    Http,
    Grpc,
}

impl ClientKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
        }
    }
}

/// A struct or a trait under `#[client]`.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) origin: Origin,
    /// The type that is injected.
    pub(crate) ident: String,
    /// In the configuration.
    pub(crate) name: String,
    pub(crate) kind: ClientKind,
    pub(crate) contract: TraitUse,
    /// Of a foreign API.
    pub(crate) url: Option<String>,
}

impl World {
    /// What a trait is called in documents.
    pub(crate) fn trait_name(&self, used: &TraitUse) -> String {
        match &used.target {
            TraitTarget::Contract(at) => self.contract(*at).name.clone(),
            TraitTarget::Grpc(name) | TraitTarget::NoSuchProto(name) => name.clone(),
            TraitTarget::NoContract | TraitTarget::Unknown => used.text.clone(),
        }
    }

    /// The names of the services that implement what the client calls.
    pub(crate) fn implementers<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = &'a str> {
        let implementations = self.crates.iter().flat_map(|krate| &krate.implementations).filter(|it| !it.origin.test_only);
        let ours = implementations.filter(move |it| self.is_same(&it.contract, &client.contract));
        ours.filter_map(|it| it.service.as_deref())
    }

    /// Whether the two are one contract: one trait, or traits of one name, of which crates may have copies.
    pub(crate) fn is_same(&self, left: &TraitUse, right: &TraitUse) -> bool {
        match (&left.target, &right.target) {
            (TraitTarget::Contract(left), TraitTarget::Contract(right)) => {
                left == right || self.contract(*left).name == self.contract(*right).name
            }
            (TraitTarget::Grpc(left), TraitTarget::Grpc(right)) => left == right,
            // What can't be followed is told by the last word.
            (TraitTarget::Unknown, _) | (_, TraitTarget::Unknown) => last(&left.text) == last(&right.text),
            _ => false,
        }
    }
}

fn last(path: &str) -> Option<&str> {
    path.rsplit("::").next()
}
