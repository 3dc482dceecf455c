//! What a running process counts of real requests, read where Prometheus reads it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use comms::client::{CallError, Channel, Client as _, Settings};
use comms::config::ClientConfig;
use comms::grpc::Code;
use comms_grpc_tests::desk::DeskClient;
use comms_grpc_tests::proto::shop::inventory::v1::{Delivery, Offer, ReserveRequest, WatchRequest};
use comms_grpc_tests::serving::PATIENCE;
use comms_grpc_tests::whole::client_of;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The process, gone when dropped.
struct Counted {
    process: Child,
    http: String,
    admin: String,
}

impl Counted {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counted"));
        command.current_dir(env!("CARGO_TARGET_TMPDIR")).env_remove("COMMS_CONFIG").env_remove("COMMS_PROFILE");
        command.env("COMMS__HTTP__ADDRESS", "127.0.0.1:0").env("COMMS__ADMIN__ADDRESS", "127.0.0.1:0").env("COMMS__LOG__FORMAT", "json");
        let mut process = command.stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        let mut seen = Vec::new();
        let running = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let said: Option<Value> = serde_json::from_str(&line).ok();
            seen.push(line);
            said.filter(|said| said["message"] == "running")
        });
        let running = running.unwrap_or_else(|| panic!("it did not start: {}", seen.join("\n")));
        // Whoever stops reading stops the process, once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        let address = |name: &str| running[name].as_str().expect("it says where it listens").to_owned();
        Self { process, http: address("http"), admin: address("admin") }
    }

    async fn scrape(&self) -> String {
        let answer = exchange(&self.admin, "/metrics").await;
        let (head, text) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: text/plain; version=0.0.4"), "{head}");
        text.to_owned()
    }

    /// What is counted, once each of these is in it: whoever goes away is noticed a moment later.
    async fn scrape_with(&self, expected: &[&str]) -> String {
        let there = async {
            loop {
                let text = self.scrape().await;
                if expected.iter().all(|line| text.lines().any(|found| found == *line)) {
                    return text;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, there).await {
            Ok(text) => text,
            Err(_) => panic!("{expected:#?}\n never came; last:\n{}", self.scrape().await),
        }
    }

    /// Goes away from a route at work: it has asked for the body.
    async fn go_away_from_held(&self) {
        let head = "POST /held HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
        let mut stream = send(&self.http, head).await;
        read_until(&mut stream, "100 Continue").await;
        stream.write_all(b"held").await.expect("it is sent");
    }

    /// Goes away from a stream that has begun.
    async fn go_away_from_events(&self) {
        let mut stream = send(&self.http, &get("/events/5")).await;
        read_until(&mut stream, "data: 4").await;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // It may have ended by itself; the test has failed then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

async fn send(address: &str, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("somebody listens");
    stream.write_all(request.as_bytes()).await.expect("it is sent");
    stream
}

async fn read_until(stream: &mut TcpStream, signs: &str) {
    let mut seen = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&seen).contains(signs) {
            assert_ne!(stream.read_buf(&mut seen).await.expect("it is read"), 0, "the answer ended: {}", String::from_utf8_lossy(&seen));
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("it comes in time");
}

/// All of what is answered.
async fn exchange(address: &str, path: &str) -> String {
    let mut answer = String::new();
    let mut stream = send(address, &get(path)).await;
    let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
    read.expect("it is answered in time").expect("it is read");
    answer
}

/// The samples of a metric: their labels, and the value.
fn samples<'a>(text: &'a str, name: &str) -> BTreeMap<&'a str, f64> {
    let of = |line: &'a str| line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once("} ");
    text.lines().filter_map(of).map(|(labels, value)| (labels, value.parse().expect("a number"))).collect()
}

/// Prometheus' own tool, which `./test` installs, has nothing to say against the text.
fn check_with_promtool(text: &str) {
    let piped =
        || Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut promtool = piped().expect("`promtool` is on PATH: `./test --install` installs Debian's package `prometheus`");
    promtool.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it is read");
    let said = promtool.wait_with_output().expect("it ends");
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success() && out.is_empty() && err.is_empty(), "{}: {out}{err}\n{text}", said.status);
}

/// Each request was measured once, in a bucket, and together they took at least so long.
fn check_histogram(text: &str, name: &str, labels: &str, count: f64, least: f64) {
    let heading = format!("# TYPE {name} histogram\n");
    assert!(text.contains(&heading), "{heading} is not in\n{text}");
    let found = |suffix: &str, labels: &str| samples(text, &format!("{name}_{suffix}")).get(labels).copied();
    assert_eq!(found("count", labels), Some(count), "{name} {labels}\n{text}");
    assert_eq!(found("bucket", &format!("{labels},le=\"+Inf\"")), Some(count), "{name} {labels}\n{text}");
    let sum = found("sum", labels).unwrap_or_default();
    assert!(sum >= least && (count == 0.0 || sum > 0.0), "{name} {labels}: {sum} s\n{text}");
    let prefix = format!("{name}_bucket{{{labels},le=");
    let buckets: Vec<f64> =
        text.lines().filter(|line| line.starts_with(&prefix)).filter_map(|line| line.rsplit_once(' ')?.1.parse().ok()).collect();
    assert!(buckets.len() > 2 && buckets.is_sorted(), "{name} {labels}: {buckets:?}");
    let quick = found("bucket", &format!("{labels},le=\"0.05\"")).expect("a bucket of 50 ms");
    assert!(least < 0.1 || quick < count, "what took long is among the quick ones: {name} {labels}\n{text}");
}

#[tokio::test]
async fn requests_over_http_are_counted_as_they_ended() {
    let counted = Counted::start();
    // It waits longer than its route may take: what is counted is what the service decides.
    let mut config = ClientConfig::at(format!("http://{}", counted.http));
    config.timeout = Some(PATIENCE);
    let desk = DeskClient::over(Channel::of("desk", &config).expect("an address"), Settings::of("desk", &config));
    assert_eq!(desk.thing(7).await.expect("there is one"), 7);
    assert_eq!(desk.thing(8).await.expect("there is one"), 8);
    assert!(matches!(desk.thing(0).await, Err(CallError::Refused(..))));
    assert!(matches!(desk.slow().await, Err(CallError::Problem { problem, .. }) if problem.status() == 504));
    assert!(exchange(&counted.http, "/things/none").await.starts_with("HTTP/1.1 400 "));
    assert!(exchange(&counted.http, "/broken").await.starts_with("HTTP/1.1 500 "));
    assert!(exchange(&counted.http, "/events/2").await.contains("data: 1"));
    assert!(exchange(&counted.http, "/nowhere").await.starts_with("HTTP/1.1 404 "));
    counted.go_away_from_held().await;
    counted.go_away_from_events().await;

    let of = |method: &str, route: &str| format!(r#"http_request_method="{method}",http_route="{route}""#);
    let things = of("GET", "/things/{id}");
    let expected = [
        (format!(r#"{things},outcome="2xx""#), 2.0),
        // One that is not there, and one that is no number.
        (format!(r#"{things},outcome="4xx""#), 2.0),
        (format!(r#"{},outcome="5xx""#, of("GET", "/slow")), 1.0),
        (format!(r#"{},outcome="5xx""#, of("GET", "/broken")), 1.0),
        (format!(r#"{},outcome="abandoned""#, of("POST", "/held")), 1.0),
        // The status had been sent when the client went away from the stream.
        (format!(r#"{},outcome="2xx""#, of("GET", "/events/{count}")), 2.0),
    ];
    let lines: Vec<String> = expected.iter().map(|(labels, count)| format!("comms_http_requests_total{{{labels}}} {count}")).collect();
    let text = counted.scrape_with(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let expected: BTreeMap<&str, f64> = expected.iter().map(|(labels, count)| (labels.as_str(), *count)).collect();
    assert_eq!(samples(&text, "comms_http_requests_total"), expected, "these and no more\n{text}");
    let name = "http_server_request_duration_seconds";
    for (route, count, least) in [("/things/{id}", 4.0, 0.0), ("/slow", 1.0, 0.1), ("/broken", 1.0, 0.0), ("/events/{count}", 2.0, 0.0)] {
        check_histogram(&text, name, &of("GET", route), count, least);
    }
    check_histogram(&text, name, &of("POST", "/held"), 1.0, 0.0);
    assert_eq!(samples(&text, "http_server_request_duration_seconds_count").len(), 5, "{text}");
    check_with_promtool(&text);
}

fn reserve(quantity: u32) -> ReserveRequest {
    ReserveRequest { article: None, quantity }
}

fn watch(count: u32, padding: u32) -> WatchRequest {
    WatchRequest { article: None, count, padding }
}

#[tokio::test]
async fn calls_over_grpc_are_counted_as_they_ended() {
    let counted = Counted::start();
    let client = client_of(counted.http.parse().expect("an address"));
    client.reserve(reserve(1)).await.expect("it is there");
    client.reserve(reserve(1)).await.expect("it is there");
    assert_eq!(client.reserve(reserve(0)).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.close(()).await.unwrap_err().code(), Code::DeadlineExceeded);
    let levels = client.watch(watch(3, 0)).await.expect("a stream");
    assert_eq!(levels.count().await, 3);
    let torn: Vec<_> = client.watch(watch(1, 1)).await.expect("a stream").collect().await;
    assert_eq!(torn.last().and_then(|last| last.as_ref().err()).map(comms::grpc::GrpcError::code), Some(Code::DataLoss));
    assert_eq!(client.receive(stream::iter([Delivery { quantity: 4, ..Delivery::default() }])).await.expect("a receipt").quantity, 4);
    // Callers who go away: from a call, from a stream that had begun, from one that goes both ways.
    let held = client.clone();
    let held = tokio::spawn(async move { held.reserve(reserve(2)).await });
    let mut endless = client.watch(watch(1, 2)).await.expect("a stream");
    assert!(endless.message().await.expect("a level").is_some());
    let haggling = client.haggle(stream::iter([Offer::default()])).await.expect("a stream");
    drop((endless, haggling));
    // That this call was answered says that the one before it on the connection is there.
    client.reserve(reserve(1)).await.expect("it is there");
    held.abort();

    let of = |method: &str| format!(r#"rpc_service="shop.inventory.v1.Inventory",rpc_method="{method}""#);
    let expected = [
        (format!(r#"{},outcome="OK""#, of("Reserve")), 3.0),
        (format!(r#"{},outcome="NOT_FOUND""#, of("Reserve")), 1.0),
        (format!(r#"{},outcome="abandoned""#, of("Reserve")), 1.0),
        (format!(r#"{},outcome="DEADLINE_EXCEEDED""#, of("Close")), 1.0),
        (format!(r#"{},outcome="OK""#, of("Watch")), 1.0),
        (format!(r#"{},outcome="DATA_LOSS""#, of("Watch")), 1.0),
        (format!(r#"{},outcome="abandoned""#, of("Watch")), 1.0),
        (format!(r#"{},outcome="OK""#, of("Receive")), 1.0),
        (format!(r#"{},outcome="abandoned""#, of("Haggle")), 1.0),
    ];
    let lines: Vec<String> = expected.iter().map(|(labels, count)| format!("comms_rpc_calls_total{{{labels}}} {count}")).collect();
    let text = counted.scrape_with(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let expected: BTreeMap<&str, f64> = expected.iter().map(|(labels, count)| (labels.as_str(), *count)).collect();
    assert_eq!(samples(&text, "comms_rpc_calls_total"), expected, "these and no more\n{text}");
    let name = "rpc_server_call_duration_seconds";
    for (method, count, least) in
        [("Reserve", 5.0, 0.0), ("Close", 1.0, 0.1), ("Watch", 3.0, 0.0), ("Receive", 1.0, 0.0), ("Haggle", 1.0, 0.0)]
    {
        check_histogram(&text, name, &of(method), count, least);
    }
    // Health and reflection, which machines ask every second, are not among them.
    assert_eq!(samples(&text, "rpc_server_call_duration_seconds_count").len(), 5, "{text}");
    check_with_promtool(&text);
}
