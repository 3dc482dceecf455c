//! `comms.toml` beside `Cargo.toml`: keys that do not exist, and names of brokers, services, subscriptions and
//! handlers that the code does not declare. Values are judged when the application starts.

use std::collections::BTreeMap;

use comms_syntax::config_keys::{Key, PROFILE, ROOT, Shape};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::choices;
use crate::diagnosis::{Diagnosis, Place};
use crate::model::{Role, World};
use crate::plan;

/// The names that the configuration may refer to.
#[derive(Debug, Default)]
pub(crate) struct Names {
    brokers: Vec<String>,
    /// By service, its subscriptions and its handlers.
    services: BTreeMap<String, (Vec<String>, Vec<String>)>,
    clients: Vec<String>,
    /// Something is not known: what is not among the names may exist.
    open: bool,
}

impl Names {
    /// What the crates declare.
    pub(crate) fn of(world: &World) -> Self {
        let mut names = Self { brokers: vec!["default".to_owned()], open: is_open(world), ..Self::default() };
        names.brokers.extend(world.messages().map(|(_, it)| it.broker.clone()));
        names.clients.extend(world.crates.iter().flat_map(|krate| &krate.clients).map(|it| it.name.clone()));
        for krate in &world.crates {
            for service in &krate.services {
                let subscriptions = plan::subscriptions(world, krate, service);
                names.brokers.extend(subscriptions.iter().map(|it| it.broker.clone()));
                let topics = subscriptions.iter().flat_map(|it| [it.topic.clone(), format!("{}@{}", it.topic, it.group)]);
                let handlers = krate.handlers.iter().filter(|it| it.service.as_ref() == Some(&service.name));
                let known = names.services.entry(service.name.clone()).or_default();
                known.0.extend(topics);
                known.1.extend(handlers.map(|it| it.name.clone()));
                let routes = krate.routes.iter().filter(|it| it.service.as_ref() == Some(&service.name));
                known.1.extend(routes.map(|it| it.name.clone()));
                let implementations = krate.implementations.iter().filter(|it| it.service.as_ref() == Some(&service.name));
                known.1.extend(implementations.flat_map(|it| it.methods.iter().cloned()));
            }
        }
        names
    }

    fn known(&self, path: &[&str]) -> Vec<&str> {
        let service = |name: &str| self.services.get(name);
        match path {
            ["brokers"] => self.brokers.iter().map(String::as_str).collect(),
            ["clients"] => self.clients.iter().map(String::as_str).collect(),
            ["service"] => self.services.keys().map(String::as_str).collect(),
            ["service", name, "subscription"] => service(name).into_iter().flat_map(|it| &it.0).map(String::as_str).collect(),
            ["service", name, "handler"] => service(name).into_iter().flat_map(|it| &it.1).map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// Whether the process may run, or its handlers may take, what no crate of this build shows.
fn is_open(world: &World) -> bool {
    let walked = |name: &String| world.crates.iter().any(|krate| krate.name == *name);
    world
        .crates
        .iter()
        .any(|krate| krate.incomplete || !krate.runs.iter().all(walked) || krate.handlers.iter().any(|it| it.message.message.is_none()))
        || world.crates.iter().all(|krate| !matches!(krate.role, Role::Generated | Role::Member))
}

/// What is wrong in the text of the file.
pub(crate) fn check(file: &str, text: &str, names: &Names) -> Vec<Diagnosis> {
    let mut check = Check { file, text, names, found: Vec::new() };
    match DeTable::parse(text) {
        Ok(table) => check.root(table.get_ref()),
        Err(error) => {
            let place = check.place(error.span().map_or(0, |span| span.start));
            check.found.push(Diagnosis::error(place, format!("this is no TOML: {}", error.message()), "Correct it"));
        }
    }
    check.found
}

struct Check<'a> {
    file: &'a str,
    text: &'a str,
    names: &'a Names,
    found: Vec<Diagnosis>,
}

impl Check<'_> {
    fn place(&self, offset: usize) -> Place {
        let line = self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
        Place { file: self.file.to_owned(), line }
    }

    fn root(&mut self, table: &DeTable<'_>) {
        let keys = ROOT.iter().map(|key| key.name).chain([PROFILE]);
        for (name, value) in table {
            match (name.get_ref().as_ref(), value.get_ref()) {
                (PROFILE, DeValue::Table(profiles)) => self.profiles(profiles),
                _ => self.key(ROOT, keys.clone(), &[], name, value),
            }
        }
    }

    fn profiles(&mut self, profiles: &DeTable<'_>) {
        for (_, profile) in profiles {
            if let DeValue::Table(table) = profile.get_ref() {
                self.table(ROOT, &[], table);
            }
        }
    }

    fn table(&mut self, keys: &'static [Key], path: &[&str], table: &DeTable<'_>) {
        for (name, value) in table {
            self.key(keys, keys.iter().map(|key| key.name), path, name, value);
        }
    }

    fn key<'k>(
        &mut self,
        keys: &'static [Key],
        valid: impl Iterator<Item = &'k str>,
        path: &[&str],
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let text = name.get_ref().as_ref();
        let Some(key) = keys.iter().find(|key| key.name == text) else {
            let cause = format!("unknown key `{}`", dotted(path, text));
            self.found.push(Diagnosis::error(self.place(name.span().start), cause, choices(text, valid)));
            return;
        };
        let path: Vec<&str> = path.iter().copied().chain([text]).collect();
        match (key.shape, value.get_ref()) {
            (Shape::Table(keys), DeValue::Table(table)) => self.table(keys, &path, table),
            (Shape::Named { what, keys }, DeValue::Table(table)) => self.named(what, keys, &path, table),
            _ => {}
        }
    }

    fn named(&mut self, what: &str, keys: &'static [Key], path: &[&str], table: &DeTable<'_>) {
        let known = self.names.known(path);
        for (name, value) in table {
            let text = name.get_ref().as_ref();
            if !self.names.open && !known.contains(&text) {
                let cause = format!("there is no {what} `{text}`, which `{}` configures", dotted(path, text));
                self.found.push(Diagnosis::error(self.place(name.span().start), cause, choices(text, known.iter().copied())));
                continue;
            }
            if let DeValue::Table(inner) = value.get_ref() {
                let path: Vec<&str> = path.iter().copied().chain([text]).collect();
                self.table(keys, &path, inner);
            }
        }
    }
}

fn dotted(path: &[&str], last: &str) -> String {
    let quoted = |part: &str| if part.contains('.') { format!("\"{part}\"") } else { part.to_owned() };
    path.iter().copied().chain([last]).map(quoted).collect::<Vec<_>>().join(".")
}
