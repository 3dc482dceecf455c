//! An independent peer: Google's own gRPC for Python, as client and as server.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use comms::grpc::{Client, Code};
use comms::message::Id;
use comms::{Class, Classify, Context};
use comms_grpc_tests::money::Money;
use comms_grpc_tests::proto::shop::inventory::v1::{InventoryClient, Offer, Receipt};
use comms_grpc_tests::serving::{OverTonic, PATIENCE, Serving, until};
use comms_grpc_tests::whole::{Whole, channel_to, client_of};
use futures_util::{StreamExt, stream};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use super::{delivery, reserve, watch};

/// The Python that has what `tests/servers/install-grpc-python` installs.
async fn python() -> String {
    let given = std::env::var("COMMS_TEST_GRPC_PYTHON").ok();
    let candidates = given.map_or_else(|| vec!["python3".to_owned(), "/usr/bin/python3".to_owned()], |python| vec![python]);
    for python in &candidates {
        let mut import = Command::new(python);
        import
            .args(["-c", "import grpc, grpc_tools.protoc, grpc_health, grpc_reflection, grpc_status"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if import.status().await.is_ok_and(|status| status.success()) {
            return python.clone();
        }
    }
    panic!(
        "no Python with the modules of gRPC (grpc, grpc_tools, grpc_health, grpc_reflection, grpc_status): tried {}. Run the tests with `./test`, which installs them, or name one that has them in COMMS_TEST_GRPC_PYTHON",
        candidates.join(", ")
    );
}

/// A script at work, killed when dropped.
pub(crate) async fn script(name: &str, arguments: &[&str]) -> Child {
    let mut command = Command::new(python().await);
    command.arg(format!("{}/scripts/{name}.py", env!("CARGO_MANIFEST_DIR"))).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().expect("the script starts")
}

/// Waits until the script has ended well.
pub(crate) async fn ended(script: Child) {
    let output = tokio::time::timeout(PATIENCE * 3, script.wait_with_output()).await;
    let output = output.expect("the script ends in time").expect("the script can be waited for");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.trim_end().ends_with("ok"), "{said}\n{errors}");
}

/// The next line that the script prints.
async fn line(script: &mut Child) -> String {
    let output = script.stdout.as_mut().expect("its output is read");
    let mut line = Vec::new();
    let read = async {
        while line.last() != Some(&b'\n') {
            match output.read_u8().await {
                Ok(byte) => line.push(byte),
                Err(_) => break,
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE * 3, read).await.is_ok(), "the script says nothing");
    String::from_utf8_lossy(&line).trim().to_owned()
}

pub(crate) const PROTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");

#[tokio::test]
async fn the_client_of_python_gets_along_with_the_generated_server() {
    let serving = Serving::start();
    ended(script("client", &[&serving.address.to_string(), PROTOS]).await).await;
    until("handlers at work", &serving.seen.at_work, |count| count == 0).await;
}

#[tokio::test]
async fn the_client_of_python_gets_along_with_a_whole_application() {
    for config in ["", "[grpc]\naddress = \"127.0.0.1:0\"\ncompression = true"] {
        let whole = Whole::start(config).await;
        ended(script("client", &[&whole.address().to_string(), PROTOS]).await).await;
        until("handlers at work", &whole.seen.at_work, |count| count == 0).await;
        assert_eq!(whole.app.shutdown().await, comms::Stopped::Drained);
    }
}

#[tokio::test]
async fn python_reads_health_and_reflection() {
    let whole = Whole::start("").await;
    let mut script = script("standard", &[&whole.address().to_string()]).await;
    let said = line(&mut script).await;
    if said == "watching" {
        assert_eq!(whole.app.shutdown().await, comms::Stopped::Drained);
    }
    ended(script).await;
}

/// A server of Python.
struct Foreign {
    script: Child,
    address: SocketAddr,
}

impl Foreign {
    async fn start(arguments: &[&str]) -> Self {
        let mut script = script("server", &[&[PROTOS], arguments].concat()).await;
        let port = line(&mut script).await;
        let Ok(port) = port.parse::<u16>() else {
            let output = script.wait_with_output().await.expect("the script can be waited for");
            panic!("no port: {}", String::from_utf8_lossy(&output.stderr));
        };
        Self { script, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    fn client(&self) -> OverTonic {
        client_of(self.address)
    }
}

#[tokio::test]
async fn our_client_gets_along_with_the_server_of_python() {
    for arguments in [&[][..], &["gzip"]] {
        let foreign = Foreign::start(arguments).await;
        let client = foreign.client();
        assert_eq!(client.reserve(reserve("chair", 4)).await.unwrap().total, Some(Money::euros(1000)));
        let levels = client.watch(watch("chair", 100)).await.unwrap();
        assert_eq!(levels.metadata().get("x-shelf").unwrap(), "full");
        assert_eq!(levels.count().await, 100);
        let deliveries = stream::iter((1..=100).map(|quantity| delivery("chair", quantity)));
        assert_eq!(client.receive(deliveries).await.unwrap(), Receipt { deliveries: 100, quantity: 5050 });
        let offers = stream::iter([800, 400, 200].map(|cents| Offer { price: Some(Money::euros(cents)) }));
        let answers: Vec<i64> = client.haggle(offers).await.unwrap().map(|offer| offer.unwrap().price.unwrap().cents).collect().await;
        assert_eq!(answers, [400, 200, 100]);
        client.close(()).await.unwrap();
        let compressed = Client::new(channel_to(foreign.address)).compression(true);
        assert!(InventoryClient::from(compressed).reserve(reserve(&"x".repeat(10_000), 4)).await.is_ok());
    }
}

#[tokio::test]
async fn python_sees_our_metadata_deadline_and_context_and_we_see_its_details() {
    let foreign = Foreign::start(&[]).await;
    let client = Client::new(channel_to(foreign.address)).timeout(Duration::from_secs(15));
    let client = client.metadata("x-tenant", "acme").unwrap().metadata_bytes("x-key-bin", &[0, 255]).unwrap();
    let client = InventoryClient::from(client);
    let context = Context::default().with_correlation(Id::parse("order/17"));
    let seen = context.scope(client.reserve(reserve("chair", 1))).await.unwrap().context;
    assert_eq!((seen["x-tenant"].as_str(), seen["x-key-bin"].as_str(), seen["x-request-id"].as_str()), ("acme", "00ff", "order/17"));
    let remaining: f64 = seen["remaining"].parse().unwrap();
    assert!((1.0..=15.0).contains(&remaining), "{remaining}");

    let mut late = client.watch(watch("missing", 1)).await.unwrap();
    assert!(late.message().await.unwrap().is_some());
    let late = late.message().await.unwrap_err();
    for error in [client.reserve(reserve("missing", 1)).await.unwrap_err(), late] {
        assert_eq!((error.code(), error.message()), (Code::NotFound, "no such article"));
        let details = error.details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "article.sku");
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str(), info.metadata["sku"].as_str()), ("NO_ARTICLE", "shop.example", "missing"));
        assert_eq!(error.retry_delay(), Some(Duration::from_secs(7)));
    }
    let error = client.reserve(reserve("missing", 1)).await.unwrap_err();
    assert_eq!(error.status().metadata().get("x-shelf").unwrap(), "empty");
    let error = client.reserve(reserve("large", 1)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::OutOfRange, Class::Permanent), "{error}");
}

#[tokio::test]
async fn python_sees_that_its_caller_has_left_or_waits_no_longer() {
    let foreign = Foreign::start(&[]).await;
    let channel = channel_to(foreign.address);
    // Connected, so that the time is the call's alone.
    InventoryClient::new(channel.clone()).close(()).await.unwrap();
    let hurried = InventoryClient::from(Client::new(channel).timeout(Duration::from_secs(2)));
    assert_eq!(hurried.reserve(reserve("slow", 1)).await.unwrap_err().code(), Code::DeadlineExceeded);
    let client = foreign.client();
    let mut levels = client.watch(watch("endless", 1)).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    drop(levels);
    client.reserve(reserve("left", 2)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_killed_ends_calls_and_streams_at_once() {
    let mut foreign = Foreign::start(&[]).await;
    let client = foreign.client();
    let mut levels = client.watch(watch("endless", 2)).await.unwrap();
    assert!(levels.message().await.unwrap().is_some());
    assert!(levels.message().await.unwrap().is_some());
    let (offers, taken) = tokio::sync::mpsc::channel(1);
    let taken = stream::unfold(taken, |mut taken| async { Some((taken.recv().await?, taken)) });
    // Python begins its answers with the first of them.
    offers.send(Offer { price: Some(Money::euros(2)) }).await.unwrap();
    let mut answers = client.haggle(taken).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    let calling = client.clone();
    let call = tokio::spawn(async move { calling.reserve(reserve("slow", 1)).await });
    tokio::time::timeout(PATIENCE, foreign.script.kill()).await.expect("it dies").expect("it can be killed");
    let begun = std::time::Instant::now();
    for error in [levels.message().await.unwrap_err(), answers.message().await.unwrap_err(), call.await.unwrap().unwrap_err()] {
        assert!(matches!(error.code(), Code::Unavailable | Code::Unknown | Code::Internal), "{error:?}");
        assert!(matches!(error.class(), Class::Unknown | Class::Retryable), "{error:?}");
        assert!(!error.message().is_empty(), "{error:?}");
    }
    assert!(levels.message().await.unwrap().is_none(), "an error is the last item");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let error = client.reserve(reserve("chair", 1)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::Unavailable, Class::Retryable), "{error}");
}
