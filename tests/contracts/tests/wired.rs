//! The generated wiring: contracts are served, clients are injected and call them, fakes take their place.

use comms::App;
use comms::AppBuilder;
use comms::client::{Channel, Client as _, Settings};
use comms::config::{ClientConfig, Config};
use comms::testing::{TestApp, TestAppBuilder};
use comms_contracts_tests::Wiring;
use comms_contracts_tests::bank::{PaymentError, PaymentsFake};
use comms_contracts_tests::shop::{Inventory, Payments, RatesClient, RatesFake};

/// The whole shop on a port of its own; its clients call nobody yet.
async fn serve() -> App {
    let text = "[http]\naddress = \"127.0.0.1:0\"\n[clients.payments]\naddresses = [\"http://127.0.0.1:1\"]\n[clients.inventory]\naddresses = [\"http://127.0.0.1:1\"]";
    AppBuilder::of::<Wiring>().config(Config::from_toml(text).unwrap()).start().await.unwrap()
}

fn calling(app: &App) -> TestAppBuilder {
    let address = app.http_address().unwrap();
    let text = format!("[clients.payments]\naddresses = [\"http://{address}\"]\n[clients.inventory]\naddresses = [\"http://{address}\"]");
    TestApp::with(AppBuilder::of::<Wiring>().config(Config::from_toml(&text).unwrap()))
}

#[tokio::test]
async fn a_service_calls_a_contract_and_a_grpc_service_over_a_port() {
    let served = serve().await;
    let shop = calling(&served).start().await.unwrap();
    assert_eq!(shop.http().post("/orders").json(&90).send().await.json::<u64>(), 90);
    let refused = shop.http().post("/orders").json(&900).send().await;
    assert_eq!(refused.status, 422);
    assert_eq!(shop.http().post("/reservations").json(&3).send().await.json::<u32>(), 7);
    assert_ne!(shop.http().post("/reservations").json(&30).send().await.status, 200);
}

#[tokio::test]
async fn a_service_calls_channels_into_the_process_and_fakes() {
    let served = serve().await;
    let (bank, rates) = (PaymentsFake::default(), RatesFake::default());
    bank.charge().answers(Err(PaymentError::Limit { limit: 1 })).always(|charge| Ok(charge.cents * 2));
    rates.rate().always(|currency| if currency == "USD" { Ok(1.2) } else { Err(comms::http::Problem::new(404)) });
    let shop = calling(&served).client::<Inventory>(served.channel()).fake::<Payments>(&bank).fake::<RatesClient>(&rates);
    let shop = shop.start().await.unwrap();
    assert_eq!(shop.http().post("/orders").json(&5).send().await.status, 422);
    assert_eq!(shop.http().post("/orders").json(&6).send().await.json::<u64>(), 12);
    assert_eq!(shop.http().post("/reservations").json(&10).send().await.json::<u32>(), 0);
    let price = shop.http().get("/price?currency=USD").send().await.json::<f64>();
    assert!((price - 3.0).abs() < 1e-9, "{price}");
    assert_ne!(shop.http().get("/price?currency=XYZ").send().await.status, 200);
    assert_eq!(bank.charge().calls().len(), 2);
}

#[tokio::test]
async fn a_client_gets_the_events_of_a_contract() {
    let served = serve().await;
    let config = ClientConfig::at(format!("http://{}", served.http_address().unwrap()));
    let settings = Settings::of("payments", &config);
    for channel in [Channel::of("payments", &config).unwrap(), served.channel()] {
        let payments = Payments::over(channel, settings);
        let mut changes = payments.changes(Some(1)).await.unwrap();
        for (id, cents) in [("2", 20), ("3", 30)] {
            let event = changes.event().await.unwrap().unwrap();
            assert_eq!((event.id_text(), event.parse::<u64>().unwrap()), (Some(id), cents));
        }
        assert!(changes.event().await.unwrap().is_none());
        assert_eq!(payments.changes(Some(4)).await.unwrap_err().refused(), Some(PaymentError::Limit { limit: 4 }));
    }
}

#[test]
fn the_topology_tells_the_calls() {
    let topology: serde_json::Value = serde_json::from_str(<Wiring as comms::Wiring>::TOPOLOGY).unwrap();
    let shop = &topology["services"].as_array().unwrap().iter().find(|service| service["name"] == "shop").unwrap();
    assert_eq!(shop["calls"], serde_json::json!(["payments", "inventory", "rates"]));
    let implemented: Vec<&serde_json::Value> = topology["clients"].as_array().unwrap().iter().map(|it| &it["implemented_by"]).collect();
    assert_eq!(implemented, [&serde_json::json!(["bank"]), &serde_json::json!(["inventory"]), &serde_json::json!([])]);
}
