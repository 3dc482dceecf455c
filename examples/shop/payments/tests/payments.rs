//! The provider, as its wiring starts it; no port is opened.

use comms::testing::TestApp;
use shop_payments::{Charge, NewCharge};

async fn charge(app: &TestApp, reference: &str, customer: &str) -> comms::testing::HttpAnswer {
    let charge = NewCharge { reference: reference.into(), customer: customer.into(), amount_cents: 990 };
    app.http().post("/v1/charges").json(&charge).send().await
}

#[tokio::test]
async fn a_reference_is_charged_once() {
    let app = TestApp::of::<shop_payments::Wiring>().start().await.expect("it starts");
    let first = charge(&app, "o-1", "ada").await;
    assert_eq!(first.status, 201);
    assert_eq!(first.json::<Charge>(), charge(&app, "o-1", "ada").await.json::<Charge>());
    assert_ne!(first.json::<Charge>().charge, charge(&app, "o-2", "ada").await.json::<Charge>().charge);
}

#[tokio::test]
async fn it_has_moods() {
    let app = TestApp::of::<shop_payments::Wiring>().start().await.expect("it starts");
    for (reference, customer, status, code) in
        [("o-4", "ada", 503, "busy"), ("o-7", "ada", 402, "card_declined"), ("o-1", "mallory", 404, "no_account")]
    {
        let refused = charge(&app, reference, customer).await;
        assert_eq!(refused.status, status, "{refused:?}");
        assert_eq!(refused.problem().extension("error").expect("a member")["code"], code);
    }
    assert_eq!(charge(&app, "o-4", "ada").await.status, 201, "busy at first only");
}
