//! An application without clients: the feature `http` is off.

use std::collections::HashSet;

use super::model::ClientModel;
use super::problems::Problems;
use crate::config::Config;
use crate::inject::{Scope, TypeRef};

/// What is called.
#[derive(Debug)]
pub(super) struct Home(());

/// What is served.
#[derive(Debug, Default)]
pub(super) struct Served(());

#[derive(Clone, Debug, Default)]
pub(crate) struct Clients(());

impl Clients {
    pub(super) fn check(&self, _: &Config, _: &Served, _: &mut Problems) {}

    pub(super) fn insert(&self, _: &Config, _: &Served, _: &[TypeRef], _: &mut Scope) -> HashSet<TypeRef> {
        HashSet::new()
    }

    pub(super) fn home(&self) -> Home {
        Home(())
    }

    pub(super) fn named(&self, _: &HashSet<TypeRef>) -> Vec<&'static str> {
        Vec::new()
    }

    pub(super) fn models(&self, _: &Config, _: &Served) -> Vec<ClientModel> {
        Vec::new()
    }
}
