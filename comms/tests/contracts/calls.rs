//! What a client gets that calls a service over a port or in the process.

use comms::client::{CallError, Channel, Client, ClientKind, Settings};
use comms::config::{ClientConfig, Config};
use comms::testing::{Fake as _, TestApp};
use comms::{App, AppBuilder, Class, Classify};

use super::payments::*;

fn bank() -> AppBuilder {
    AppBuilder::new("bank").service::<Bank>().provide(Charges::default()).implementation::<__comms_Bank_Payments>()
}

async fn serve() -> App {
    let config = Config::from_toml("[http]\naddress = \"127.0.0.1:0\"").expect("valid");
    bank().config(config).start().await.expect("a bank")
}

fn client(app: &App) -> PaymentsClient {
    let config = ClientConfig::at(format!("http://{}", app.http_address().expect("a port")));
    PaymentsClient::over(Channel::of("payments", &config).expect("an address"), Settings::of("payments", &config))
}

fn gold(cents: u64) -> NewCharge {
    NewCharge { card: "gold".to_owned(), cents }
}

#[test]
fn the_client_says_what_its_attribute_says() {
    let (contract, own) = (PaymentsClient::DECL, PaymentApi::DECL);
    assert_eq!((contract.name, contract.kind, contract.contract), ("payments", ClientKind::Http, "payments"));
    assert_eq!((contract.doc, own.doc), ("Takes money.", "The payments, as the shop calls them."));
    assert_eq!((own.name, own.contract, own.url), ("payments", "payments", None));
    assert!(own.location.to_string().contains("payments.rs:"), "{}", own.location);
}

#[tokio::test]
async fn arguments_and_values_arrive_as_they_were() {
    let app = serve().await;
    let payments = client(&app);
    let charge = payments.charge(gold(250)).await.unwrap();
    assert_eq!(charge, Charge { id: ChargeId(1), cents: 250, tenant: None });
    let found = payments.find(charge.id, Some("a b/c?".to_owned())).await.unwrap();
    assert_eq!(found, Charge { tenant: Some("a b/c?".to_owned()), ..charge });
    assert_eq!(payments.find(charge.id, None).await.unwrap().tenant, None);
    payments.charge(NewCharge { card: "a&b=c".to_owned(), cents: 900 }).await.unwrap();
    assert_eq!(payments.list(Some(300), Vec::new()).await.unwrap(), [ChargeId(2)]);
    assert_eq!(payments.list(None, vec!["a&b=c".to_owned(), "gold".to_owned()]).await.unwrap(), [ChargeId(1), ChargeId(2)]);
    payments.ping().await.unwrap();
}

#[tokio::test]
async fn the_error_of_the_service_is_the_same_error_at_the_client() {
    let app = serve().await;
    let payments = client(&app);
    let declined = payments.charge(NewCharge { card: "stolen".to_owned(), cents: 1 }).await.unwrap_err();
    assert_eq!((declined.class(), declined.to_string().as_str()), (Class::Permanent, "the card was declined: stolen"));
    assert_eq!(declined.refused(), Some(PaymentError::Declined { reason: "stolen".to_owned() }));
    let missing = payments.forget(ChargeId(7)).await.unwrap_err();
    assert_eq!(missing.refused(), Some(PaymentError::NoSuchCharge { id: 7 }));
}

#[tokio::test]
async fn what_is_no_error_of_the_service_stays_a_problem() {
    let app = serve().await;
    let too_large = NewCharge { card: "x".repeat(2000), cents: 1 };
    let error = client(&app).charge(too_large).await.unwrap_err();
    assert_eq!(error.problem().expect("a problem").status(), 413, "{error}");
    assert!(error.to_string().contains("`charge` of `payments` (POST /charges, at http://127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_said_to_be_unreachable() {
    let app = serve().await;
    let payments = client(&app);
    app.shutdown().await;
    let error = payments.ping().await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
    assert_eq!(error.class(), Class::Retryable);
}

#[tokio::test]
async fn a_client_is_injected_and_calls_where_the_configuration_says() {
    let bank = serve().await;
    let text = format!("[http]\nenabled = false\n[clients.payments]\naddresses = [\"http://{}\"]", bank.http_address().unwrap());
    let shop = AppBuilder::new("shop").service::<Shop>().route::<__comms_Shop_order>().client::<PaymentApi>();
    let shop = TestApp::with(shop.config(Config::from_toml(&text).unwrap())).start().await.unwrap();
    let answer = shop.http().post("/orders").json(&250).send().await;
    assert_eq!(answer.json::<Charge>().cents, 250);
}

#[tokio::test]
async fn a_client_without_an_address_calls_what_its_own_application_serves() {
    let shop = bank().service::<Shop>().route::<__comms_Shop_order>().client::<PaymentApi>();
    let config = Config::from_toml("[http]\naddress = \"127.0.0.1:0\"").expect("valid");
    let shop = TestApp::with(shop.config(config)).start().await.unwrap();
    assert_eq!(shop.http().post("/orders").json(&250).send().await.json::<Charge>(), Charge { id: ChargeId(1), cents: 250, tenant: None });
}

#[tokio::test]
async fn a_client_without_an_address_keeps_the_application_from_starting() {
    let shop = AppBuilder::new("shop").service::<Shop>().client::<PaymentApi>();
    let error = TestApp::with(shop).start().await.unwrap_err().to_string();
    assert!(error.contains("[clients.payments]") && error.contains("payments.rs:"), "{error}");
}

#[tokio::test]
async fn a_fake_answers_as_its_script_says_and_keeps_what_it_was_called_with() {
    let bank = PaymentsFake::default();
    bank.charge().answers(Ok(Charge { id: ChargeId(1), cents: 7, tenant: None })).answers(Err(PaymentError::NoSuchCharge { id: 3 }));
    let shop = AppBuilder::new("shop").service::<Shop>().route::<__comms_Shop_order>().client::<PaymentApi>();
    let shop = TestApp::with(shop).fake::<PaymentApi>(&bank).start().await.unwrap();
    assert_eq!(shop.http().post("/orders").json(&5).send().await.json::<Charge>().cents, 7);
    assert_eq!(shop.http().post("/orders").json(&6).send().await.status, 422);
    let charged: Vec<u64> = bank.charge().calls().iter().map(|charge| charge.cents).collect();
    assert_eq!(charged, [5, 6]);
}

#[tokio::test]
async fn an_unscripted_call_of_a_fake_says_which() {
    let bank = PaymentsFake::default();
    let payments = PaymentsClient::over(bank.channel(), Settings::of("payments", &ClientConfig::default()));
    let error = payments.ping().await.unwrap_err().to_string();
    assert!(error.contains("`ping` of `PaymentsFake` was called"), "{error}");
}

#[tokio::test]
async fn a_call_in_the_process_is_the_same_as_one_over_a_port() {
    let app = serve().await;
    let payments = PaymentsClient::over(app.channel(), Settings::of("payments", &ClientConfig::default()));
    assert_eq!(payments.charge(gold(250)).await.unwrap().cents, 250);
    assert_eq!(payments.forget(ChargeId(7)).await.unwrap_err().refused(), Some(PaymentError::NoSuchCharge { id: 7 }));
}
