//! What of the context goes with a call.

use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use std::time::Duration;

use super::deadline::Deadline;
use super::{GrpcError, Inbound, headers};
use crate::context::Context;
use crate::http::timeout::{self, TIMEOUT};

/// A call that is about to be made.
pub(super) struct Outgoing {
    context: Context,
    pub(super) deadline: Deadline,
}

impl Outgoing {
    pub(super) fn new(timeout: Option<Duration>) -> Self {
        let context = Context::current();
        let deadline = Deadline::of(&context, timeout);
        Self { context, deadline }
    }

    pub(super) fn request<M>(&self, metadata: &MetadataMap, message: M) -> Request<M> {
        let mut request = Request::new(message);
        if !metadata.is_empty() {
            request.metadata_mut().clone_from(metadata);
        }
        headers::write(&self.context, request.metadata_mut());
        if let Some(left) = self.deadline.left() {
            let mut value = timeout::write(left);
            value.set_sensitive(true);
            request.metadata_mut().as_mut().insert(TIMEOUT, value);
        }
        request
    }

    pub(super) async fn answers<A>(
        &self,
        call: impl Future<Output = Result<Response<Streaming<A>>, Status>>,
    ) -> Result<Inbound<A>, GrpcError> {
        let (metadata, answers, _) = self.deadline.bound(call).await?.into_parts();
        Ok(Inbound::new(answers, self.deadline).with(metadata))
    }
}
