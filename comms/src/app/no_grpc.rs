//! An application without gRPC: the feature `grpc` is off.

use super::model::GrpcModel;
use super::problems::Problems;
use crate::config::Config;
use crate::http::{Body, IntoResponse as _, Problem, Request, Response};
use crate::inject::Scope;

#[derive(Clone, Debug, Default)]
pub(crate) struct GrpcServices(());

impl GrpcServices {
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        true
    }

    pub(super) fn check(&self, _: &mut Problems) {}

    pub(super) fn models(&self, _: &str, _: &Config) -> Vec<GrpcModel> {
        Vec::new()
    }

    pub(super) fn bind(self, _: &Scope, _: &Config, _: &mut Problems) -> Grpc {
        Grpc(())
    }
}

#[derive(Debug)]
pub(super) struct Grpc(());

impl Grpc {
    pub(super) fn takes(_: &Request<Body>) -> bool {
        false
    }

    // Neither is called, since nothing is taken.
    pub(super) fn elsewhere() -> Response {
        Problem::new(404).into_response()
    }

    pub(super) async fn answer(&self, _: Request<Body>) -> Response {
        Self::elsewhere()
    }

    pub(super) async fn end_streams_late(&self) {
        std::future::pending().await
    }

    pub(super) fn end_streams(&self) {}
}
