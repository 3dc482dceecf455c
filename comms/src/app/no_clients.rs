//! An application without clients: the feature `http` is off.

use std::collections::HashSet;

use super::model::ClientModel;
use super::problems::Problems;
use crate::config::Config;
use crate::inject::{Scope, TypeRef};

#[derive(Clone, Debug, Default)]
pub(crate) struct Clients(());

impl Clients {
    pub(super) fn check(&self, _: &Config, (): &(), _: &mut Problems) {}

    pub(super) fn insert(&self, _: &Config, (): &(), _: &[TypeRef], _: &mut Scope) -> HashSet<TypeRef> {
        HashSet::new()
    }

    pub(super) fn home(&self) {}

    pub(super) fn models(&self, _: &Config, (): &()) -> Vec<ClientModel> {
        Vec::new()
    }
}
