//! A fake of the bank, as a macro would write it.

use std::sync::Arc;

use comms::Classify as _;
use comms::client::{CallError, Channel, Client as _, Settings};
use comms::config::ClientConfig;
use comms::http::{Answered, Arguments, Route, RouteDecl};
use comms::testing::{Fake, Routes, Script};

use crate::bank::{BankClient, CHARGE, Charge, ChargeError};

#[derive(Clone)]
struct BankFake {
    charge: Script<(Option<String>, u64), Result<Charge, ChargeError>>,
}

impl BankFake {
    fn new() -> Self {
        Self { charge: Script::new("BankFake", "charge") }
    }
}

struct FakeCharge;

impl Route for FakeCharge {
    type Service = BankFake;
    const DECL: RouteDecl = CHARGE;

    async fn call(fake: Arc<BankFake>, mut arguments: Arguments) -> Answered {
        let (tenant, cents) = (arguments.header("x-tenant")?, arguments.json().await?);
        comms::__contract_answered!(Self::DECL.status, fake.charge.call((tenant, cents)).await)
    }
}

impl Fake for BankFake {
    fn channel(&self) -> Channel {
        Routes::of("bank", Arc::new(self.clone())).route::<FakeCharge>().channel()
    }
}

fn client(fake: &BankFake) -> BankClient {
    BankClient::over(fake.channel(), Settings::of("bank", &ClientConfig::default()))
}

#[tokio::test]
async fn a_fake_answers_as_it_was_told_and_remembers() {
    let fake = BankFake::new();
    fake.charge.answers(Ok(Charge { id: 1, ..Charge::default() })).answers(Err(ChargeError::Closed));
    let bank = client(&fake);
    assert_eq!(bank.charge(5, Some("a")).await.unwrap().id, 1);
    let error = bank.charge(6, None).await.unwrap_err();
    assert_eq!((error.class(), error.refused()), (comms::Class::Retryable, Some(ChargeError::Closed)));
    let calls: Vec<_> = fake.charge.calls().iter().map(|call| (call.0.clone(), call.1)).collect();
    assert_eq!(calls, [(Some("a".to_owned()), 5), (None, 6)]);
}

#[tokio::test]
async fn a_call_that_nothing_is_said_for_is_named_at_the_caller() {
    let error = client(&BankFake::new()).charge(5, None).await.unwrap_err();
    assert!(error.to_string().contains("`charge` of `BankFake` was called, and nothing is said of what it answers"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_fake_may_leave_a_call_without_an_answer() {
    let fake = BankFake::new();
    fake.charge.never_answers();
    let error = client(&fake).charge(5, None).await.unwrap_err();
    // Whoever's clock is first: the caller's, or the fake's.
    let late = matches!(&error, CallError::Deadline { .. }) || error.problem().is_some_and(|problem| problem.status() == 504);
    assert!(late, "{error:?}");
}
