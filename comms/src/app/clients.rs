//! The clients of an application: registered, checked, made, injected.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::AppBuilder;
use super::model::ClientModel;
use super::problems::Problems;
use crate::client::{Channel, ChannelError, Client, ClientDecl, ClientKind, Home, Settings};
use crate::config::{ClientConfig, Config, Protocol};
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
#[derive(Clone, Debug, Default)]
pub(crate) struct Clients {
    entries: Vec<ClientEntry>,
    given: BTreeMap<&'static str, Channel>,
    home: Home,
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
    }

    /// Makes them, and hands them over to whatever is made later; returns those that can't be made. A value of the type that was
    /// handed over is left alone.
    pub(super) fn insert(&self, config: &Config, served: &Served, provided: &[TypeRef], scope: &mut Scope) -> HashSet<TypeRef> {
        let mut unmade = HashSet::new();
        for entry in self.entries.iter().filter(|entry| !provided.contains(&entry.provides)) {
            match self.channel(entry, config, served) {
                Ok(channel) => (entry.insert)(scope, channel, Settings::declared(&entry.decl, &entry.config(config))),
                // Why was reported by the check.
                Err(_) => drop(unmade.insert(entry.provides)),
            }
        }
        unmade
    }

    /// To what was given, else to the addresses, else to this very application.
    fn channel(&self, entry: &ClientEntry, config: &Config, served: &Served) -> Result<Channel, ChannelError> {
        let (name, config) = (entry.decl.name, entry.config(config));
        match self.given.get(name) {
            Some(channel) => Ok(channel.clone()),
            None if config.addresses.is_empty() && served.contains(&entry.decl) => Ok(self.home.channel(name)),
            None => Channel::of(name, &config),
        }
    }

    /// The application, which some of them call.
    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// The clients, for people.
    pub(super) fn models(&self, config: &Config, served: &Served) -> Vec<ClientModel> {
        let channel = |entry: &ClientEntry| match self.given.contains_key(entry.decl.name) || served.contains(&entry.decl) {
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
