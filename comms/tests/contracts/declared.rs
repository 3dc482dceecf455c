//! What the attributes of contracts and clients say, as it is declared; and the errors of an API of another make.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use comms::client::{CallError, Client};
use comms::{Class, client, delete, post};
use serde::{Deserialize, Serialize};

use super::foreign::serve;
use super::media::over_port;
use super::payments::{__comms_Payments_charge, __comms_Payments_forget, __comms_Payments_list};

#[derive(Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[error("{code}")]
struct Refusal {
    code: String,
}

/// Somebody's bank.
#[client(url = "https://bank.example", name = "their-bank", timeout = "3s")]
trait TheirBank {
    #[post("/pay")]
    async fn pay(&self) -> Result<(), Refusal>;

    #[delete("/pay", idempotent)]
    async fn undo(&self) -> Result<(), Refusal>;
}

#[client(http = super::payments::Payments, name = "patient", timeout = "4s")]
struct Patient;

#[test]
fn a_foreign_api_is_at_its_url_and_has_its_time() {
    let decl = TheirBankClient::DECL;
    assert_eq!((decl.name, decl.url, decl.timeout), ("their-bank", Some("https://bank.example"), Some(Duration::from_secs(3))));
    assert_eq!(decl.doc, "Somebody's bank.");
}

#[test]
fn a_client_has_its_own_name_and_time_and_the_name_of_its_contract() {
    let decl = Patient::DECL;
    assert_eq!((decl.name, decl.contract, decl.timeout), ("patient", "payments", Some(Duration::from_secs(4))));
}

#[test]
fn the_routes_say_what_may_be_repeated() {
    let [charge, forget, list] =
        [__comms_Payments_charge::<()>::ROUTE, __comms_Payments_forget::<()>::ROUTE, __comms_Payments_list::<()>::ROUTE];
    assert_eq!((charge.idempotent, charge.idempotency_key), (false, true));
    assert_eq!((forget.idempotent, forget.idempotency_key), (true, false));
    assert!(!list.idempotency_key);
    let undo = __comms_TheirBank_undo::<()>::ROUTE;
    assert_eq!((undo.idempotent, undo.idempotency_key), (true, false));
}

#[test]
fn the_routes_describe_the_errors_of_their_methods() {
    assert!(__comms_Payments_charge::<()>::ROUTE.error.is_some() && __comms_TheirBank_undo::<()>::ROUTE.error.is_some());
    assert!(__comms_Payments_list::<()>::ROUTE.error.is_none());
}

#[tokio::test]
async fn the_whole_body_of_an_error_of_another_make_is_the_error() {
    let refused = || async { (StatusCode::PAYMENT_REQUIRED, axum::Json(Refusal { code: "card_declined".to_owned() })) };
    let bank: TheirBankClient = over_port(&serve(Router::new().route("/pay", axum::routing::post(refused))).await);
    let error = bank.pay().await.unwrap_err();
    assert!(matches!(&error, CallError::Refused(Refusal { code }, Class::Permanent, None) if code == "card_declined"), "{error:?}");
}
