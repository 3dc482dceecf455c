//! The clients of an application: registered, checked, made, injected.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::AppBuilder;
use super::client_layers::Layers;
use super::model::ClientModel;
use super::problems::Problems;
use crate::client::{Channel, ChannelError, Client, ClientDecl, ClientKind, Home, Instances, Settings};
use crate::config::{ClientConfig, Config, Protocol, suggest};
use crate::inject::{Scope, TypeRef};

impl AppBuilder {
    /// Adds a client. Its channel is made of `[clients.NAME]`, and it is injected wherever its type is asked for.
    pub fn client<C: Client>(mut self) -> Self {
        self.clients.add(ClientEntry::of::<C>());
        self
    }

    /// Lets the client call over this channel, instead of what the configuration says.
    pub fn client_over<C: Client>(mut self, channel: Channel) -> Self {
        self.clients.given.insert(C::DECL.name, channel);
        self.client::<C>()
    }

    /// Lets the client of the name call whatever instances this knows at each call, in the place of the addresses of its configuration: where
    /// discovery plugs in. The rest of `[clients.NAME]` holds.
    pub fn instances(mut self, client: impl Into<String>, instances: impl Instances) -> Self {
        self.clients.instances.insert(client.into(), Arc::new(instances));
        self
    }
}

/// A client, without its type.
#[derive(Clone, Copy, Debug)]
struct ClientEntry {
    decl: ClientDecl,
    provides: TypeRef,
    insert: fn(&mut Scope, Channel, Settings),
}

impl ClientEntry {
    fn of<C: Client>() -> Self {
        let insert = |scope: &mut Scope, channel, settings| drop(scope.insert(C::over(channel, settings)));
        Self { decl: C::DECL, provides: TypeRef::of::<C>(), insert }
    }

    /// What holds for it: the configuration over what it declares.
    fn config(&self, config: &Config) -> ClientConfig {
        let mut config = config.clients.get(self.decl.name).cloned().unwrap_or_default();
        if config.addresses.is_empty() {
            config.addresses.extend(self.decl.url.map(str::to_owned));
        }
        if self.decl.kind == ClientKind::Grpc {
            config.protocol = Protocol::Http2;
        }
        config
    }

    fn problem(&self, error: &ChannelError) -> String {
        format!("client `{}` ({}): {error}", self.decl.name, self.decl.location)
    }

    fn model(&self, config: &Config, given: Option<&Channel>) -> ClientModel {
        let (config, decl) = (self.config(config), &self.decl);
        ClientModel {
            name: decl.name.to_owned(),
            kind: decl.kind.to_string(),
            contract: decl.contract.to_owned(),
            addresses: given.map_or(config.addresses.clone(), |channel| vec![channel.to_string()]),
            connect_timeout: config.connect_timeout,
            attempt_timeout: config.attempt_timeout,
            timeout: Settings::declared(decl, &config).timeout,
            location: decl.location.to_string(),
            doc: decl.doc.trim().to_owned(),
        }
    }
}

/// What was registered.
#[derive(Clone, Default)]
pub(crate) struct Clients {
    entries: Vec<ClientEntry>,
    given: BTreeMap<&'static str, Channel>,
    instances: BTreeMap<String, Arc<dyn Instances>>,
    pub(super) layers: Layers,
    home: Home,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| entry.decl.name)).finish()
    }
}

/// What the application serves: contracts by name, and gRPC services as they are called on the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served {
    pub(super) contracts: BTreeSet<&'static str>,
    pub(super) grpc: BTreeSet<&'static str>,
}

impl Served {
    fn contains(&self, client: &ClientDecl) -> bool {
        let served = if client.kind == ClientKind::Grpc { &self.grpc } else { &self.contracts };
        client.url.is_none() && served.contains(client.contract)
    }
}

impl Clients {
    /// Two crates may name the same client.
    fn add(&mut self, entry: ClientEntry) {
        if !self.entries.iter().any(|other| other.provides == entry.provides) {
            self.entries.push(entry);
        }
    }

    /// Everything that is wrong with them.
    pub(super) fn check(&self, config: &Config, served: &Served, problems: &mut Problems) {
        for (at, entry) in self.entries.iter().enumerate() {
            if let Some(twin) = self.entries[..at].iter().find(|other| other.decl.name == entry.decl.name) {
                problems.add(twins(&twin.decl, &entry.decl));
            } else {
                problems.keep(self.channel(entry, config, served).map_err(|error| entry.problem(&error)));
            }
        }
        let known: Vec<&str> = self.entries.iter().map(|entry| entry.decl.name).collect();
        let instances = self.instances.keys().map(|name| ("instances", name.as_str()));
        let named = instances.chain(self.layers.named().map(|name| ("layer_client", name)));
        for (what, name) in named.filter(|(_, name)| !known.contains(name)) {
            problems.add(format!("`{what}`: there is no client `{name}`; {}", suggest(name, known.iter().copied())));
        }
    }

    /// Makes them, and hands them over to whatever is made later; returns those that can't be made. A value of the type that was
    /// handed over is left alone.
    pub(super) fn insert(&self, config: &Config, served: &Served, provided: &[TypeRef], scope: &mut Scope) -> HashSet<TypeRef> {
        let mut unmade = HashSet::new();
        for entry in self.entries.iter().filter(|entry| !provided.contains(&entry.provides)) {
            match self.channel(entry, config, served) {
                Ok(channel) => {
                    let channel = self.layers.around(entry.decl.name, channel);
                    (entry.insert)(scope, channel, Settings::declared(&entry.decl, &entry.config(config)));
                }
                // Why was reported by the check.
                Err(_) => drop(unmade.insert(entry.provides)),
            }
        }
        unmade
    }

    /// To what was given, else to the instances that were, else to the addresses, else to this very application.
    fn channel(&self, entry: &ClientEntry, config: &Config, served: &Served) -> Result<Channel, ChannelError> {
        let (name, config) = (entry.decl.name, entry.config(config));
        match (self.given.get(name), self.instances.get(name)) {
            (Some(channel), _) => Ok(channel.clone()),
            (None, Some(instances)) => Channel::to_shared(name, Arc::clone(instances), &config),
            (None, None) if config.addresses.is_empty() && served.contains(&entry.decl) => Ok(self.home.channel(name)),
            (None, None) => Channel::of(name, &config),
        }
    }

    /// The application, which some of them call.
    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// The names of those that are among the types.
    pub(super) fn named(&self, types: &HashSet<TypeRef>) -> Vec<&'static str> {
        self.entries.iter().filter(|entry| types.contains(&entry.provides)).map(|entry| entry.decl.name).collect()
    }

    /// The clients, for people.
    pub(super) fn models(&self, config: &Config, served: &Served) -> Vec<ClientModel> {
        let elsewhere = |name| self.given.contains_key(name) || self.instances.contains_key(name);
        let channel = |entry: &ClientEntry| match elsewhere(entry.decl.name) || served.contains(&entry.decl) {
            true => self.channel(entry, config, served).ok(),
            false => None,
        };
        self.entries.iter().map(|entry| entry.model(config, channel(entry).as_ref())).collect()
    }
}

fn twins(one: &ClientDecl, other: &ClientDecl) -> String {
    format!(
        "two clients are called `{}`: the one at {} and the one at {}. `[clients.{}]` could mean either: give one of them another `name`",
        one.name, one.location, other.location, one.name
    )
}
