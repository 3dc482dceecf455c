//! Instances that come and go, as those of a discovery do.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use comms::client::{Channel, HttpCaller, Instance, Instances, Settings};
use comms::config::{ClientConfig, Config};
use comms::{App, AppBuilder};

use crate::addresses::echo;
use crate::bank::{BankClient, Watch, app};
use crate::peer::{Peer, until};

/// Addresses that change, as those of a discovery do.
#[derive(Clone)]
pub struct Moving(Arc<Mutex<Arc<[Instance]>>>);

impl Moving {
    pub fn none() -> Self {
        Self(Arc::new(Mutex::new(Arc::new([]))))
    }

    pub fn to(&self, urls: &[String]) {
        *self.0.lock().unwrap() = urls.iter().map(|url| Instance::at(url).unwrap()).collect();
    }
}

impl Instances for Moving {
    fn current(&self) -> Arc<[Instance]> {
        Arc::clone(&self.0.lock().unwrap())
    }
}

#[tokio::test]
async fn instances_may_come_and_go() {
    let (one, other) = (Peer::of_json("1").await, Peer::of_json("2").await);
    let moving = Moving::none();
    let channel = Channel::to("bank", moving.clone(), &ClientConfig::default()).unwrap();
    let caller = HttpCaller::new(channel, Settings::of("bank", &ClientConfig::default()));
    let text = echo(&caller, "x").await.unwrap_err().to_string();
    assert!(text.contains("there is no address of `bank` now"), "{text}");
    for (peer, answer) in [(&one, 1), (&other, 2)] {
        moving.to(&[peer.url()]);
        assert_eq!(echo(&caller, "x").await.unwrap(), answer);
    }
}

async fn bank(watch: &Watch) -> App {
    let config = Config::from_toml("[http]\naddress = \"127.0.0.1:0\"\n").unwrap();
    app(watch).config(config).start().await.unwrap()
}

fn url(bank: &App) -> String {
    format!("http://{}", bank.http_address().unwrap())
}

#[tokio::test]
async fn an_instance_that_is_gone_gets_no_further_call_and_finishes_those_in_hand() {
    let (leaving, staying, coming) = (Watch::default(), Watch::default(), Watch::default());
    let banks = [bank(&leaving).await, bank(&staying).await, bank(&coming).await];
    let moving = Moving::none();
    moving.to(&[url(&banks[0])]);
    // No address of the configuration, and one that nobody wants.
    let config = Config::from_toml("[clients.bank]\naddresses = [\"http://127.0.0.1:9\"]\n").unwrap();
    let shop = AppBuilder::new("shop").client::<BankClient>().instances("bank", moving.clone()).config(config).start().await.unwrap();
    let client = shop.get::<BankClient>().unwrap();

    let held = tokio::spawn({
        let client = client.clone();
        async move { client.hold().await }
    });
    until("a call is held", || leaving.held.load(Ordering::SeqCst) == 1).await;
    moving.to(&[url(&banks[1]), url(&banks[2])]);
    for cents in 1..=20 {
        assert_eq!(client.charge(cents, None).await.unwrap().cents, cents);
    }
    let asked = |watch: &Watch| watch.asked.load(Ordering::SeqCst);
    assert_eq!((asked(&leaving), asked(&staying), asked(&coming)), (1, 10, 10));
    assert_eq!(leaving.held.load(Ordering::SeqCst), 1, "what it had in hand goes on");
    held.abort();
    until("it is over", || leaving.held.load(Ordering::SeqCst) == 0).await;

    moving.to(&[url(&banks[2])]);
    for cents in 1..=20 {
        client.charge(cents, None).await.unwrap();
    }
    assert_eq!((asked(&leaving), asked(&staying), asked(&coming)), (1, 10, 30));
    moving.to(&[]);
    let text = client.charge(1, None).await.unwrap_err().to_string();
    assert!(text.contains("there is no address of `bank` now"), "{text}");
}
