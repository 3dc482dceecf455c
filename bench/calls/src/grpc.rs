//! Over gRPC: tonic as its own generator makes it, and what comms makes of the same file.

use std::net::SocketAddr;

use comms::client::{Channel, Settings};
use comms::config::ClientConfig;
use futures_util::stream;
use futures_util::stream::BoxStream;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status};

use crate::contest::Contestant;
use crate::proto::bench::orders::v1::{ListRequest, Order, OrdersClient};
use crate::raw_proto;
use crate::raw_proto::orders_client::OrdersClient as RawClient;
use crate::raw_proto::orders_server::{Orders, OrdersServer};

/// How many messages a stream has.
pub const MESSAGES: u32 = 1000;

/// The service of tonic.
struct Shop;

#[tonic::async_trait]
impl Orders for Shop {
    async fn put(&self, request: Request<raw_proto::Order>) -> Result<Response<raw_proto::Order>, Status> {
        Ok(Response::new(raw_proto::Order { id: 7, ..request.into_inner() }))
    }

    type ListStream = BoxStream<'static, Result<raw_proto::Order, Status>>;

    async fn list(&self, request: Request<raw_proto::ListRequest>) -> Result<Response<Self::ListStream>, Status> {
        let order = |id| Ok(raw_proto::Order { id, text: "x".to_owned() });
        Ok(Response::new(Box::pin(stream::iter((0..u64::from(request.into_inner().count)).map(order)))))
    }
}

/// tonic on a port.
pub fn tonic() -> SocketAddr {
    let incoming = TcpIncoming::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port").with_nodelay(Some(true));
    let address = incoming.local_addr().expect("an address");
    let server = Server::builder().add_service(OrdersServer::new(Shop)).serve_with_incoming(incoming);
    tokio::spawn(async move { server.await.expect("it serves") });
    address
}

/// A call that is answered once, and one that is answered with a stream.
pub struct Caller {
    /// A call that is answered once.
    pub unary: Contestant,
    /// A call that is answered with [`MESSAGES`].
    pub streaming: Contestant,
}

fn text() -> String {
    "x".repeat(228)
}

/// Calls the address with the client of tonic.
pub async fn raw(name: &'static str, address: SocketAddr) -> Caller {
    let client = RawClient::new(connected(address).await);
    let other = client.clone();
    let unary = Contestant::new(name, move || {
        let mut client = client.clone();
        async move {
            let order = client.put(raw_proto::Order { id: 1, text: text() }).await.expect("an order").into_inner();
            assert_eq!(order.id, 7);
        }
    });
    let streaming = Contestant::new(name, move || {
        let mut client = other.clone();
        async move {
            let mut orders = client.list(raw_proto::ListRequest { count: MESSAGES }).await.expect("orders").into_inner();
            let mut sum = 0;
            while let Some(order) = orders.message().await.expect("an order") {
                sum += order.id;
            }
            assert_eq!(sum, expected());
        }
    });
    Caller { unary, streaming }
}

/// Calls the address with the client of comms over its own channel.
pub fn generated(name: &'static str, address: SocketAddr) -> Caller {
    let mut config = ClientConfig::at(&format!("http://{address}"));
    config.protocol = comms::config::Protocol::Http2;
    let channel = Channel::of("orders", &config).expect("a channel");
    let client = OrdersClient::from(comms::grpc::Client::over(channel, Settings::of("orders", &config)));
    calling(name, client)
}

/// Calls the address with the client of comms over tonic's channel.
pub async fn generated_over_tonic(name: &'static str, address: SocketAddr) -> Caller {
    calling(name, OrdersClient::new(connected(address).await))
}

async fn connected(address: SocketAddr) -> tonic::transport::Channel {
    Endpoint::from_shared(format!("http://{address}")).expect("a URL").connect().await.expect("a connection")
}

fn calling<T: comms::grpc::Transport>(name: &'static str, client: OrdersClient<T>) -> Caller {
    let other = client.clone();
    let unary = Contestant::new(name, move || {
        let client = client.clone();
        async move {
            let order = client.put(Order { id: 1, text: text() }).await.expect("an order");
            assert_eq!(order.id, 7);
        }
    });
    let streaming = Contestant::new(name, move || {
        let client = other.clone();
        async move {
            let mut orders = client.list(ListRequest { count: MESSAGES }).await.expect("orders");
            let mut sum = 0;
            while let Some(order) = orders.message().await.expect("an order") {
                sum += order.id;
            }
            assert_eq!(sum, expected());
        }
    });
    Caller { unary, streaming }
}

fn expected() -> u64 {
    let count = u64::from(MESSAGES);
    count * (count - 1) / 2
}
