//! An application without routes: the feature `http` is off.

use std::net::SocketAddr;

use super::clients::{Home, Served};
use super::contents::Generators;
use super::model::{GrpcModel, RouteModel};
use super::problems::Problems;
use crate::config::Config;
use crate::inject::Scope;

#[derive(Clone, Debug, Default)]
pub(crate) struct Routes(());

impl Routes {
    pub(super) fn served(&self) -> Served {
        Served::default()
    }

    pub(super) fn check(&self, _: &mut Problems) {}

    pub(super) fn models(&self, _: &str, _: &Config, _: &mut Generators) -> Vec<RouteModel> {
        Vec::new()
    }

    pub(super) fn contracts_of(&self, _: &str) -> Vec<&'static str> {
        Vec::new()
    }

    pub(super) fn grpc_models(&self, _: &str, _: &Config) -> Vec<GrpcModel> {
        Vec::new()
    }

    pub(super) async fn open(self, _: &Scope, _: &Config, _: &mut Problems) -> Serving {
        Serving(())
    }
}

#[derive(Debug)]
pub(super) struct Serving(());

impl Serving {
    pub(super) fn answer_at(&self, _: Home) {}

    pub(super) fn begin(&mut self) {}

    pub(super) fn stop_taking(&self) {}

    pub(super) async fn drained(&mut self) {}

    pub(super) fn close(self) {}

    pub(super) fn address(&self) -> Option<SocketAddr> {
        None
    }

    pub(super) fn grpc_address(&self) -> Option<SocketAddr> {
        None
    }

    pub(super) fn connections(&self) -> usize {
        0
    }

    pub(super) fn states(&self) -> Vec<(&'static str, PortState)> {
        Vec::new()
    }
}

/// Of a port that is never there.
#[derive(Clone, Debug)]
pub(super) enum PortState {}

impl PortState {
    pub(super) fn is_closed(&self) -> bool {
        match *self {}
    }

    pub(super) fn is_full(&self) -> bool {
        match *self {}
    }
}
