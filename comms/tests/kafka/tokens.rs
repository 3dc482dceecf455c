//! Tokens of an OpenID provider: `sasl=oauthbearer`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use comms::broker::{Broker, BrokerErrorKind};
use comms::testing::servers;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::*;

/// How long a token holds, in seconds. The brokers end what was let in with it then, unless a new one was shown.
const LIFETIME: u64 = 5;

/// A provider that gives tokens to one client; a broker under test takes them without a signature.
struct Provider {
    url: String,
    given: Arc<AtomicUsize>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let given = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&given);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&count)));
            }
        });
        Self { url, given }
    }

    fn given(&self) -> usize {
        self.given.load(Ordering::SeqCst)
    }
}

async fn answer(mut stream: TcpStream, given: Arc<AtomicUsize>) {
    let mut request = String::new();
    let mut buffer = [0; 4096];
    while !request.contains("grant_type=") {
        match stream.read(&mut buffer).await {
            Ok(size) if size > 0 => request.push_str(&String::from_utf8_lossy(&buffer[..size])),
            _ => return,
        }
    }
    let is_known = request.contains(&format!("Authorization: Basic {}", base64(b"shop:s3cret", true)));
    let is_right = request.ends_with("grant_type=client_credentials&scope=kafka%20write");
    let (status, body) = match (is_known, is_right) {
        (true, true) => {
            given.fetch_add(1, Ordering::SeqCst);
            ("200 OK", format!(r#"{{"access_token":"{}","token_type":"Bearer","expires_in":{LIFETIME}}}"#, token()))
        }
        (true, false) => ("400 Bad Request", r#"{"error":"invalid_scope"}"#.to_owned()),
        (false, _) => ("401 Unauthorized", r#"{"error":"invalid_client"}"#.to_owned()),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close", body.len());
    let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// An unsigned one.
fn token() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = format!(r#"{{"sub":"shop","scope":"kafka write","iat":{now},"exp":{}}}"#, now + LIFETIME);
    format!("{}.{}.", base64(br#"{"alg":"none"}"#, false), base64(claims.as_bytes(), false))
}

/// The alphabet of URLs has no padding.
fn base64(bytes: &[u8], padded: bool) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let last = if padded { [b'+', b'/'] } else { [b'-', b'_'] };
    let sign = |value: u32| char::from(*alphabet.get(value as usize).unwrap_or(&last[value as usize % 2]));
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let joined = (0..3).fold(0, |joined, at| joined << 8 | u32::from(*chunk.get(at).unwrap_or(&0)));
        text.extend((0..=chunk.len()).map(|at| sign(joined >> (18 - 6 * at) & 63)));
        if padded {
            text.push_str(&"==="[..3 - chunk.len()]);
        }
    }
    text
}

async fn server() -> servers::Kafka {
    let module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule";
    let builder = servers::Kafka::builder().user("shop", "s3cret").config("listener.name.sasl.sasl.enabled.mechanisms=OAUTHBEARER");
    let builder = builder
        .config(format!("listener.name.sasl.oauthbearer.sasl.jaas.config={module} required unsecuredLoginStringClaim_sub=\"broker\";"));
    builder.config("listener.name.sasl.oauthbearer.connections.max.reauth.ms=60000").start().await.unwrap()
}

fn options(url: &str) -> String {
    format!("sasl=oauthbearer&token_url={url}&token_scope=kafka%20write")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_logs_in_with_tokens_which_are_renewed_while_messages_flow() {
    let (server, provider) = (server().await, Provider::start().await);
    let url = server.sasl_url().unwrap();
    tokio::join!(flow(&url, &provider), denied(&url, &provider), away(&url));
}

/// Until what each client was let in with at first is over.
async fn flow(url: &str, provider: &Provider) {
    let broker = connect(url, &options(&provider.url)).await.unwrap();
    // The topic is made by the client that administers.
    let mut consumer = subscribe(&broker, &subscription("g", "orders")).await;
    let (began, mut number) = (Instant::now(), 0);
    // Of the clients that ask, administer, publish and consume each has had another one.
    while provider.given() < 8 || began.elapsed() < Duration::from_secs(LIFETIME + 2) {
        assert!(began.elapsed() < SOON, "{} tokens were given", provider.given());
        publish(&broker, "orders", Some("k"), &number.to_string()).await.unwrap();
        let delivery = next(&mut consumer).await;
        assert_eq!(body(&delivery), number.to_string(), "once, and in order");
        delivery.ack();
        number += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The client that administers has to be let in still.
    publish(&broker, "another-topic", None, "x").await.unwrap();
    drop(consumer);
    broker.close().await;
}

/// It is told at once, and not at the end of `connect_timeout`, which is a minute.
async fn denied(url: &str, provider: &Provider) {
    let began = Instant::now();
    let wrong = connect(&url.replace("s3cret", "wr0ng"), &options(&provider.url)).await.err().unwrap();
    assert_eq!(wrong.kind(), BrokerErrorKind::Authentication, "{wrong}");
    assert!(wrong.to_string().contains("invalid_client") && !wrong.to_string().contains("wr0ng"), "{wrong}");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

async fn away(url: &str) {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let options = options(&format!("http://{nobody}/token"));
    let away = connect(url, &format!("{options}&connect_timeout=3s")).await.err().unwrap();
    assert_eq!(away.kind(), BrokerErrorKind::Connection, "{away}");
    assert!(away.to_string().contains("Failed to acquire SASL OAUTHBEARER token"), "{away}");
}
