//! What typed clients call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use hyper::http::uri::PathAndQuery;
use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::metadata::{KeyRef, MetadataMap};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::outgoing::Outgoing;
use super::tied::Tied;
use super::transport::Told;
use super::{GrpcError, Inbound, InvalidMetadata, Transport, metadata};
use crate::client::{CallInfo, Channel};

/// How long one answer is waited for when nobody says.
const PATIENCE: Duration = Duration::from_secs(30);

/// Calls methods by their path. Generated clients are made of it; `InventoryClient::from(Client::new(channel)
/// .timeout(..))` is one with other settings.
///
/// A call takes correlation, trace and deadline out of the [`Context`](crate::Context). A call whose deadline has passed is not made.
/// Dropping a call ends the work on it at the server.
#[derive(Clone)]
pub struct Client<T = Channel> {
    transport: T,
    terms: Arc<Terms>,
    idempotent: bool,
}

/// What holds for every call. Shared by clones, so that they cost little.
#[derive(Clone)]
struct Terms {
    timeout: Option<Duration>,
    patience: Duration,
    answer_limit: Option<usize>,
    request_limit: Option<usize>,
    compression: bool,
    metadata: MetadataMap,
    /// Of the client, where layers want to know.
    told: Option<&'static str>,
}

impl<T: Transport> Client<T> {
    /// Calls over the transport. Where the context has no earlier deadline, a unary call waits for 30 seconds, and the
    /// other kinds as long as it takes.
    pub fn new(transport: T) -> Self {
        let terms = Terms {
            timeout: None,
            patience: PATIENCE,
            answer_limit: None,
            request_limit: None,
            compression: false,
            metadata: MetadataMap::new(),
            told: None,
        };
        Self { transport, terms: Arc::new(terms), idempotent: false }
    }

    fn terms(&mut self) -> &mut Terms {
        Arc::make_mut(&mut self.terms)
    }

    /// Calls methods that carried out twice do what once does: layers of the client may repeat them. Generated clients say it of methods
    /// with the option `idempotency_level`.
    #[must_use]
    pub fn idempotent(&self) -> Self {
        Self { idempotent: true, ..self.clone() }
    }

    /// The longest time that a call of any kind may take, from its beginning to the end of its last stream. An earlier
    /// deadline of the context holds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.terms().timeout = Some(timeout);
        self
    }

    /// Refuses answers of more bytes with `OutOfRange`; 4 MiB when nothing is said.
    #[must_use]
    pub fn answer_limit(mut self, bytes: usize) -> Self {
        self.terms().answer_limit = Some(bytes);
        self
    }

    /// Does not send messages of more bytes: `OutOfRange`.
    #[must_use]
    pub fn request_limit(mut self, bytes: usize) -> Self {
        self.terms().request_limit = Some(bytes);
        self
    }

    /// Compresses requests with gzip; the server must be able to read that. What the server compresses is read in any case.
    #[must_use]
    pub fn compression(mut self, compression: bool) -> Self {
        self.terms().compression = compression;
        self
    }

    /// Sends a text along with every call.
    ///
    /// # Errors
    /// [`InvalidMetadata`].
    pub fn metadata(mut self, name: &str, value: &str) -> Result<Self, InvalidMetadata> {
        let (key, value) = metadata::text(name, value)?;
        self.terms().metadata.append(key, value);
        Ok(self)
    }

    /// Sends bytes along with every call, under a name that ends with `-bin`.
    ///
    /// # Errors
    /// [`InvalidMetadata`].
    pub fn metadata_bytes(mut self, name: &str, value: &[u8]) -> Result<Self, InvalidMetadata> {
        let (key, value) = metadata::binary(name, value)?;
        self.terms().metadata.append_bin(key, value);
        Ok(self)
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// What the server answered; `Unavailable` when it can't be reached; `DeadlineExceeded`.
    pub async fn unary<Q, A>(&self, path: &'static str, request: Q) -> Result<A, GrpcError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let outgoing = Outgoing::new(Some(self.terms.timeout.unwrap_or(self.terms.patience)));
        let request = self.told(path, true, outgoing.request(&self.terms.metadata, request));
        let call = async {
            let mut grpc = self.ready(self.transport.clone()).await?;
            grpc.unary(request, PathAndQuery::from_static(path), codec::<Q, A>()).await
        };
        outgoing.deadline.bound(call).await.map(Response::into_inner)
    }

    /// Sends a stream of requests and waits for the answer. The stream is asked for the next request only when the
    /// server can take it.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub async fn client_streaming<Q, A>(&self, path: &'static str, requests: impl Stream<Item = Q> + Send + 'static) -> Result<A, GrpcError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let outgoing = Outgoing::new(self.terms.timeout);
        let request = self.told(path, false, outgoing.request(&self.terms.metadata, requests));
        let call = async {
            let mut grpc = self.ready(self.transport.clone()).await?;
            grpc.client_streaming(request, PathAndQuery::from_static(path), codec::<Q, A>()).await
        };
        outgoing.deadline.bound(call).await.map(Response::into_inner)
    }

    /// Sends a request and waits until the stream of answers begins.
    ///
    /// # Errors
    /// As [`unary`](Self::unary); later ones are items of the stream.
    pub async fn server_streaming<Q, A>(&self, path: &'static str, request: Q) -> Result<Inbound<A>, GrpcError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let outgoing = Outgoing::new(self.terms.timeout);
        let request = self.told(path, true, outgoing.request(&self.terms.metadata, request));
        let call = async {
            let mut grpc = self.ready(self.transport.clone()).await?;
            grpc.server_streaming(request, PathAndQuery::from_static(path), codec::<Q, A>()).await
        };
        outgoing.answers(call).await
    }

    /// Begins to send a stream of requests and waits until the stream of answers begins.
    ///
    /// # Errors
    /// As [`unary`](Self::unary); later ones are items of the stream.
    pub async fn bidirectional<Q, A>(
        &self,
        path: &'static str,
        requests: impl Stream<Item = Q> + Send + 'static,
    ) -> Result<Inbound<A>, GrpcError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let outgoing = Outgoing::new(self.terms.timeout);
        let (request, token) = (self.told(path, false, outgoing.request(&self.terms.metadata, requests)), CancellationToken::new());
        let tied = Tied { transport: self.transport.clone(), token: token.clone() };
        let left = token.drop_guard();
        let call = async {
            let mut grpc = self.ready(tied).await?;
            grpc.streaming(request, PathAndQuery::from_static(path), codec::<Q, A>()).await
        };
        Ok(outgoing.answers(call).await?.tied(left))
    }

    /// The request, with what its layers want to know of the call.
    fn told<M>(&self, path: &'static str, whole: bool, mut request: Request<M>) -> Request<M> {
        if let Some(client) = self.terms.told {
            let info = CallInfo { idempotent: self.idempotent, whole, ..CallInfo::new(client, path) };
            request.extensions_mut().insert(info);
        }
        request
    }

    /// The transport, once it takes a call.
    async fn ready<S: Transport>(&self, transport: S) -> Result<Grpc<Told<S>>, Status> {
        let mut grpc = Grpc::new(Told(transport));
        if let Some(bytes) = self.terms.answer_limit {
            grpc = grpc.max_decoding_message_size(bytes);
        }
        if let Some(bytes) = self.terms.request_limit {
            grpc = grpc.max_encoding_message_size(bytes);
        }
        grpc = grpc.accept_compressed(CompressionEncoding::Gzip);
        if self.terms.compression {
            grpc = grpc.send_compressed(CompressionEncoding::Gzip);
        }
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        Ok(grpc)
    }
}

/// What is sent along may be a secret: only its names are shown.
impl<T: fmt::Debug> fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transport, terms, idempotent } = self;
        let Terms { timeout, patience, answer_limit, request_limit, compression, metadata, told: _ } = &**terms;
        f.debug_struct("Client")
            .field("transport", transport)
            .field("timeout", timeout)
            .field("patience", patience)
            .field("answer_limit", answer_limit)
            .field("request_limit", request_limit)
            .field("compression", compression)
            .field("metadata", &names(metadata))
            .field("idempotent", idempotent)
            .finish()
    }
}

fn names(metadata: &MetadataMap) -> Vec<&str> {
    let name = |key| match key {
        KeyRef::Ascii(key) => key.as_str(),
        KeyRef::Binary(key) => key.as_str(),
    };
    metadata.keys().map(name).collect()
}

impl Client {
    /// Calls over the channel of a client, within its bounds. Its `timeout` is for calls that are answered once; a stream of answers
    /// takes as long as it takes.
    #[must_use]
    pub fn over(channel: Channel, settings: crate::client::Settings) -> Self {
        let told = channel.is_layered().then_some(settings.name);
        let mut client = Self::new(channel).answer_limit(settings.answer_limit);
        let terms = client.terms();
        (terms.patience, terms.told) = (settings.timeout.unwrap_or(PATIENCE), told);
        client
    }
}

fn codec<Q, A>() -> ProstCodec<Q, A> {
    ProstCodec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_along_is_shown_by_its_names_only() {
        let channel = tonic::transport::Endpoint::from_static("http://h:1").connect_lazy();
        let client = Client::new(channel).metadata("authorization", "hunter2").unwrap().metadata_bytes("key-bin", b"hunter3").unwrap();
        let shown = format!("{client:?}");
        assert!(shown.contains(r#"["authorization", "key-bin"]"#), "{shown}");
        assert!(!shown.contains("hunter") && !shown.contains("aHVudGVyM"), "{shown}");
    }
}
