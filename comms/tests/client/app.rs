//! Clients in an application: configured, checked, injected.

use comms::client::{Channel, Client, ClientDecl, ClientKind, HttpCaller, Settings};
use comms::config::Config;
use comms::http::Location;
use comms::inject::{InjectError, Scope};
use comms::testing::TestApp;
use comms::{AppBuilder, Service};

use crate::bank::{BankClient, Watch, app};
use crate::peer::Peer;

/// A service that calls the bank.
struct Shop {
    bank: BankClient,
}

impl Service for Shop {
    const DECL: comms::handler::ServiceDecl = comms::handler::ServiceDecl::new("shop", "1.0.0", Location::new(file!(), line!()));
    type Dependencies = (BankClient,);

    fn build(scope: &Scope) -> Result<Self, InjectError> {
        Ok(Self { bank: scope.get()? })
    }
}

/// A client whose API is known by its URL.
#[derive(Clone)]
struct Known(HttpCaller);

impl Client for Known {
    const DECL: ClientDecl = ClientDecl::new("known", ClientKind::Http, "api", Location::new("src/known.rs", 3)).url("http://127.0.0.1:9");

    fn over(channel: Channel, settings: Settings) -> Self {
        Self(HttpCaller::new(channel, settings))
    }
}

fn shop() -> AppBuilder {
    AppBuilder::new("shop").service::<Shop>().client::<BankClient>()
}

async fn problems(app: AppBuilder, config: &str) -> Vec<String> {
    let started = app.config(Config::from_toml(config).unwrap()).start().await;
    started.err().map(|error| error.problems().to_vec()).unwrap_or_default()
}

#[tokio::test]
async fn a_client_is_made_of_its_configuration_and_injected() {
    let peer = Peer::of_json(r#"{"id":7,"cents":1,"tenant":null,"tags":[]}"#).await;
    let config = Config::from_toml(&format!("[clients.bank]\naddresses = [\"{}\"]\n", peer.url())).unwrap();
    let app = shop().config(config).start().await.unwrap();
    let shop = app.get::<std::sync::Arc<Shop>>().unwrap();
    assert_eq!(shop.bank.charge(1, None).await.unwrap().id, 7);
}

#[tokio::test]
async fn a_client_without_an_address_keeps_the_application_from_starting() {
    let found = problems(shop(), "").await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("client `bank` (") && found[0].contains("bank.rs:"), "{found:#?}");
    assert!(found[0].contains("set `addresses = [\"http://host:port\"]` under [clients.bank]"), "{found:#?}");
}

#[tokio::test]
async fn the_url_of_a_client_holds_unless_an_address_is_configured() {
    let app = AppBuilder::new("shop").client::<Known>().start().await.unwrap();
    let text = format!("{:?}", app.get::<Known>().unwrap().0);
    assert!(text.contains("127.0.0.1:9") && !text.contains("127.0.0.1:10"), "{text}");
    let config = Config::from_toml("[clients.known]\naddresses = [\"http://127.0.0.1:10\"]\ntimeout = \"7s\"\n").unwrap();
    let app = AppBuilder::new("shop").client::<Known>().config(config).start().await.unwrap();
    let text = format!("{:?}", app.get::<Known>().unwrap().0);
    assert!(text.contains("127.0.0.1:10") && text.contains("7s"), "{text}");
}

#[tokio::test]
async fn two_clients_of_one_name_are_refused() {
    #[derive(Clone)]
    struct Twin;
    impl Client for Twin {
        const DECL: ClientDecl = ClientDecl::new("known", ClientKind::Grpc, "other", Location::new("src/twin.rs", 4));

        fn over(_: Channel, _: Settings) -> Self {
            Self
        }
    }
    let app = AppBuilder::new("shop").client::<Known>().client::<Known>().client::<Twin>();
    let found = problems(app, "").await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("src/known.rs:3") && found[0].contains("src/twin.rs:4"), "{found:#?}");
}

#[tokio::test]
async fn a_value_that_is_handed_over_takes_the_place_of_the_client() {
    let bank = app(&Watch::default()).start().await.unwrap();
    let app = TestApp::with(shop()).client::<BankClient>(bank.channel()).start().await.unwrap();
    let shop = app.get::<std::sync::Arc<Shop>>().unwrap();
    assert_eq!(shop.bank.charge(9, None).await.unwrap().cents, 9);
}
