//! Contracts, implementations and clients, from annotated items to the model.

use comms_syntax::client::{self, Calls};
use comms_syntax::{Attribute, contract, names, service};
use quote::ToTokens;
use syn::{Item, Path, Type};

use super::read::{Annotated, Known, Reader, arguments, bare};
use super::resolve::{Target, resolve_type};
use super::scope::{plain_path, segments};
use crate::contracts::ContractMethod;
use crate::diagnosis::Place;
use crate::model::{Client, ClientKind, ClientRef, Contract, ContractRef, Crate, Implementation, Origin, Role, TraitTarget, TraitUse};

impl Reader<'_> {
    /// Reads the contracts of a crate, and the APIs that it describes.
    pub(crate) fn contracts(&self, krate: usize, into: &mut Crate) {
        for it in self.annotated(krate) {
            let Item::Trait(item) = &it.found.item else { continue };
            let read = match it.attribute {
                Attribute::Service => contract::parse(arguments(it.meta), bare(&it)),
                Attribute::Client => contract::parse_foreign(arguments(it.meta), bare(&it)),
                _ => continue,
            };
            self.list(krate, &it, &names::entry(&item.ident), into);
            match read {
                Ok(model) => into.contracts.push(contract_model(&model, self.origin(krate, &it, item.ident.span()))),
                Err(_) => into.incomplete = true,
            }
        }
    }

    /// Reads the clients of a crate; all contracts must have been read.
    pub(crate) fn clients(&self, krate: usize, contracts: &[Vec<Contract>], into: &mut Crate) {
        let annotated: Vec<Annotated<'_>> = self.annotated(krate).filter(|it| it.attribute == Attribute::Client).collect();
        for it in &annotated {
            match &it.found.item {
                Item::Struct(item) => {
                    self.list(krate, it, &names::entry(&item.ident), into);
                    match client::parse(arguments(it.meta), bare(it)) {
                        Ok(model) => into.clients.push(self.client(krate, it, contracts, &model, into.role)),
                        Err(_) => into.incomplete = true,
                    }
                }
                Item::Trait(_) => {
                    // What is wrong with it was noticed among the contracts.
                    let Ok(model) = contract::parse_foreign(arguments(it.meta), bare(it)) else { continue };
                    into.clients.extend(self.foreign(krate, it, contracts, &model));
                }
                _ => {}
            }
        }
        into.clients.sort_by(|left, right| left.origin.place.cmp(&right.origin.place));
    }

    fn client(&self, krate: usize, it: &Annotated<'_>, contracts: &[Vec<Contract>], model: &client::Client, role: Role) -> Client {
        let kind = match &model.calls {
            Calls::Http(_) => ClientKind::Http,
            Calls::Grpc(_) => ClientKind::Grpc,
        };
        Client {
            origin: self.origin(krate, it, model.ident.span()),
            ident: names::entry(&model.ident),
            name: model.name.value.clone(),
            kind,
            contract: self.trait_use(krate, it, contracts, model.calls.path(), role),
            url: None,
        }
    }

    fn foreign(&self, krate: usize, it: &Annotated<'_>, contracts: &[Vec<Contract>], model: &contract::Contract) -> Option<Client> {
        let (text, module) = (names::entry(&model.ident), &self.krates[krate].tree.modules[it.found.module].path);
        let contract = find(contracts, krate, module, &text)?;
        Some(Client {
            origin: self.origin(krate, it, model.ident.span()),
            ident: names::beside(&model.ident, "Client").to_string(),
            name: model.name.value.clone(),
            kind: ClientKind::Http,
            contract: TraitUse { text, target: TraitTarget::Contract(contract) },
            url: model.foreign.as_ref().map(|foreign| foreign.url.value.clone()),
        })
    }

    /// Reads the impl of a contract.
    pub(super) fn implementation(&self, krate: usize, it: &Annotated<'_>, known: &Known<'_>, into: &mut Crate) {
        let Ok(model) = service::parse_implementation(arguments(it.meta), bare(it)) else {
            into.incomplete = true;
            return;
        };
        let item = names::implementation_entry(&model.ident, &model.contract);
        self.list(krate, it, &item, into);
        let contract = self.trait_use(krate, it, known.contracts, &model.contract, into.role);
        let proto =
            self.protos.0.iter().flatten().find(|service| matches!(&contract.target, TraitTarget::Grpc(name) if *name == service.name));
        into.implementations.push(Implementation {
            methods: model.methods.iter().map(names::entry).collect(),
            rpcs: model.rpcs.iter().map(|rpc| (names::entry(&rpc.ident), rpc.span.start().line)).collect(),
            proto: proto.map(|service| service.methods.clone()).unwrap_or_default(),
            origin: self.origin(krate, it, model.ident.span()),
            item,
            descriptor: names::implementation_descriptor(&model.ident, &model.contract).to_string(),
            service: self.service_of(krate, it, &model.service, into),
            contract,
        });
    }

    fn trait_use(&self, krate: usize, it: &Annotated<'_>, contracts: &[Vec<Contract>], path: &Path, role: Role) -> TraitUse {
        let text = path.to_token_stream().to_string().replace(' ', "");
        let target = match resolve_type(self.krates, krate, it.found.module, &segments(path)) {
            Target::Item { krate: of, module, name } => {
                let module = &self.krates[of].tree.modules[module].path;
                find(contracts, of, module, &name).map_or(TraitTarget::NoContract, TraitTarget::Contract)
            }
            Target::External(path) if path.first().is_some_and(|first| ["std", "core", "alloc"].contains(&first.as_str())) => {
                TraitTarget::NoContract
            }
            Target::Proto(path) => self.proto(&path, matches!(role, Role::Generated | Role::Other)),
            _ => TraitTarget::Unknown,
        };
        TraitUse { text, target }
    }

    /// The service that a trait below `comms::proto!()` was generated for; only those of this package are known.
    fn proto(&self, path: &[String], own: bool) -> TraitTarget {
        let name = path.iter().map(|part| part.trim_start_matches("r#")).collect::<Vec<_>>().join(".");
        match (&self.protos.0, own) {
            (Some(services), true) => match services.iter().find(|service| is_called(&service.name, &name)) {
                Some(service) => TraitTarget::Grpc(service.name.clone()),
                None => TraitTarget::NoSuchProto(name),
            },
            _ => TraitTarget::Grpc(name),
        }
    }

    /// The clients among the types, as far as the scan can follow them.
    pub(super) fn clients_among<'t>(
        &self,
        krate: usize,
        module: usize,
        known: &Known<'_>,
        types: impl Iterator<Item = &'t Type>,
    ) -> Vec<ClientRef> {
        let client = |ty: &Type| {
            let Target::Item { krate, module, name } = resolve_type(self.krates, krate, module, &plain_path(ty)?) else { return None };
            let module = &self.krates[krate].tree.modules[module].path;
            let client = known.clients[krate].iter().position(|it| it.ident == name && it.origin.module == *module)?;
            Some(ClientRef { krate, client })
        };
        types.filter_map(client).collect()
    }
}

fn find(contracts: &[Vec<Contract>], krate: usize, module: &[String], ident: &str) -> Option<ContractRef> {
    let contract = contracts[krate].iter().position(|it| it.ident == ident && it.origin.module == module)?;
    Some(ContractRef { krate, contract })
}

/// Names in Rust are those of the `.proto` file in Rust's case.
fn is_called(service: &str, path: &str) -> bool {
    let plain = |text: &str| text.replace('_', "").to_lowercase();
    plain(service) == plain(path)
}

fn contract_model(model: &contract::Contract, origin: Origin) -> Contract {
    let method = |method: &contract::Method| ContractMethod {
        name: names::entry(&method.route.ident),
        verb: method.route.verb,
        path: method.route.path.clone(),
        place: Place { file: origin.place.file.clone(), line: method.route.ident.span().start().line },
        conditional: !method.route.common.cfgs.is_empty(),
    };
    Contract {
        ident: names::entry(&model.ident),
        name: model.name.value.clone(),
        version: model.version.as_ref().map(|version| version.value.clone()),
        methods: model.methods.iter().map(method).collect(),
        origin,
    }
}
