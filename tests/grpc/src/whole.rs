//! The stock in a whole application, over its port.

use std::net::SocketAddr;
use std::sync::Arc;

use comms::config::Config;
use comms::grpc::tonic::transport::{Channel, Endpoint};
use comms::http::{Answered, Arguments, Location, Route, RouteDecl, Verb};
use comms::{App, AppBuilder};

use crate::proto::shop::inventory::v1::{Inventory, InventoryClient};
use crate::serving::OverTonic;
use crate::stock::{Seen, Stock};

/// An HTTP route of the stock.
#[derive(Debug)]
pub struct Count;

impl Route for Count {
    type Service = Stock;
    const DECL: RouteDecl = RouteDecl::new(Verb::Get, "/count", "count", Location::new(file!(), line!()));

    async fn call(_: Arc<Stock>, _: Arguments) -> Answered {
        comms::__answered!(200, "many")
    }
}

/// The stock with its gRPC service.
pub fn stock(seen: &Arc<Seen>) -> AppBuilder {
    let app = AppBuilder::new("inventory").provide(Arc::clone(seen)).service::<Stock>();
    <Stock as Inventory>::__comms_register(app)
}

/// An application at work.
#[derive(Debug)]
pub struct Whole {
    /// The application.
    pub app: App,
    /// What its handlers did.
    pub seen: Arc<Seen>,
}

impl Whole {
    /// The stock with its gRPC service, under this configuration; a port that it does not name is any free one.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(config: &str) -> Self {
        Self::start_with(config, |app| app).await
    }

    /// The same with more in it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(config: &str, more: impl FnOnce(AppBuilder) -> AppBuilder) -> Self {
        let seen = Arc::new(Seen::default());
        let config = if config.contains("[http]") { config.to_owned() } else { format!("[http]\naddress = \"127.0.0.1:0\"\n{config}") };
        let config = Config::from_toml(&config).unwrap_or_else(|error| panic!("{error}"));
        let app = more(stock(&seen)).config(config).start().await.unwrap_or_else(|error| panic!("{error}"));
        Self { app, seen }
    }

    /// Where gRPC is served.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.app.grpc_address().unwrap_or_else(|| panic!("no port answers gRPC"))
    }

    /// A client with a connection of its own.
    #[must_use]
    pub fn client(&self) -> OverTonic {
        client_of(self.address())
    }
}

/// A connection to the address, made when it is needed.
///
/// # Panics
/// Never: the address is one.
#[must_use]
pub fn channel_to(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap_or_else(|error| panic!("no address: {error}"));
    endpoint.connect_lazy()
}

/// A client of what listens at the address.
#[must_use]
pub fn client_of(address: SocketAddr) -> OverTonic {
    InventoryClient::new(channel_to(address))
}
