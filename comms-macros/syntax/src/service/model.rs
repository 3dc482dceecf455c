//! What a checked `#[service]` says.

use std::time::Duration;

use proc_macro2::{Ident, Span};
use syn::{Attribute, Path, Type};

use crate::handler::Handler;
use crate::route::Route;
use crate::{Common, Rate, Setting, Text};

/// A service: its struct.
#[derive(Clone, Debug)]
pub struct ServiceStruct {
    /// What all models have.
    pub common: Common,
    /// The struct.
    pub ident: Ident,
    /// The name of the service.
    pub name: Text,
    /// Its version.
    pub version: Text,
    /// Tags for discovery and documents.
    pub tags: Vec<Text>,
    /// Its explicit subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// Custom layers, outermost first: types of injected values.
    pub layers: Vec<Type>,
    /// Its fields, all injected; empty for a unit struct.
    pub fields: Vec<Field>,
    /// Written `struct Name;`.
    pub unit: bool,
    /// The event types of its `Publisher<T>` fields, told by the name `Publisher`.
    pub publishes: Vec<Type>,
}

/// A field of a service.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub ident: Ident,
    /// Its type.
    pub ty: Type,
    /// Its `#[cfg]`s.
    pub cfgs: Vec<Attribute>,
}

/// `subscribe("topic", ..)`.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The topic, or a pattern of topics.
    pub topic: Text,
    /// The group, unless it is the service's name.
    pub group: Option<Text>,
    /// The named broker, unless it is the default.
    pub broker: Option<Text>,
    /// Set if messages of one key keep their order.
    pub ordered: Option<Ordered>,
    /// How many messages may be handled at once.
    pub concurrency: Option<Setting<usize>>,
    /// For how long duplicates are recognized.
    pub dedup: Option<Setting<Duration>>,
    /// How many messages a process takes in a time.
    pub throttle: Option<Setting<Rate>>,
    /// Where a new group begins.
    pub from: Option<Start>,
    /// Where it stands.
    pub span: Span,
}

/// `ordered`, or `ordered(shards = 16, after = "park-key")`.
#[derive(Clone, Debug, Default)]
pub struct Ordered {
    /// The number of shards, unless it is the default.
    pub shards: Option<Setting<u16>>,
    /// What happens to later messages of a dead-lettered key.
    pub after: After,
}

/// What happens to later messages of a key whose message was dead-lettered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum After {
    /// `"continue"`.
    #[default]
    Continue,
    /// `"park-key"`.
    ParkKey,
}

/// Where a new group begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// `"new"`.
    New,
    /// `"earliest"`.
    Earliest,
}

/// The impl of a service: its handlers and routes.
#[derive(Clone, Debug)]
pub struct ServiceImpl {
    /// The crate path, the `#[cfg]`s of the impl.
    pub common: Common,
    /// The path of the service's struct, as it was written.
    pub service: Path,
    /// The last word of it.
    pub ident: Ident,
    /// Its methods that handle messages, in order.
    pub handlers: Vec<Handler>,
    /// Its methods that answer HTTP requests, in order.
    pub routes: Vec<Route>,
}

/// The impl of a contract, or of a trait that was generated for a gRPC service.
#[derive(Clone, Debug)]
pub struct Implementation {
    /// The crate path, the `#[cfg]`s of the impl.
    pub common: Common,
    /// The path of the service's struct, as it was written.
    pub service: Path,
    /// The last word of it.
    pub ident: Ident,
    /// The path of the trait, as it was written.
    pub contract: Path,
    /// The names of its methods, in order.
    pub methods: Vec<Ident>,
    /// What is said of some of them.
    pub rpcs: Vec<Rpc>,
}

/// `#[rpc(..)]` on a method of a gRPC service.
#[derive(Clone, Debug)]
pub struct Rpc {
    /// The name of the method.
    pub ident: Ident,
    /// The attribute.
    pub span: Span,
    /// The `#[cfg]`s of the method.
    pub cfgs: Vec<syn::Attribute>,
    /// How long a call may take.
    pub timeout: Option<Setting<Duration>>,
    /// The bytes of a message of a caller.
    pub request_limit: Option<Setting<u64>>,
    /// The bytes of a message of an answer.
    pub answer_limit: Option<Setting<u64>>,
}
