//! A client that sends bytes as they are, and waits for conditions.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use comms::App;
use comms::config::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::orders::{Gate, app};

/// Nothing here takes that long, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The service on a port of its own, with these further lines under `[http]`.
pub async fn serve(gate: &Gate, lines: &str) -> App {
    let config = Config::from_toml(&format!("[http]\naddress = \"127.0.0.1:0\"\n{lines}\n")).unwrap();
    let app = app(gate).config(config).start().await.unwrap();
    AT_REST.set(tasks());
    app
}

thread_local! {
    /// How many tasks there were when the service of this test had started. Each test has a thread of its own.
    static AT_REST: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Waits until no connection is left, and no more tasks than at the start.
pub async fn nothing_left(app: &App) {
    until("no connection is left", || app.http_connections() == 0).await;
    assert_ne!(AT_REST.get(), usize::MAX, "the service was not started by `serve`");
    until("no task is left", || tasks() <= AT_REST.get()).await;
}

pub fn address(app: &App) -> SocketAddr {
    app.http_address().expect("the port is open")
}

pub async fn connect(app: &App) -> TcpStream {
    TcpStream::connect(address(app)).await.unwrap()
}

/// Waits for the condition.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited for {PATIENCE:?} until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sends the bytes and reads until the server closes.
pub async fn exchange(app: &App, request: &str) -> String {
    let mut stream = connect(app).await;
    // The server may close before it has read all of it.
    let _ = stream.write_all(request.as_bytes()).await;
    rest(&mut stream).await
}

/// Everything until the server closes.
pub async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server did not close; it had sent {:?}", String::from_utf8_lossy(&answer));
    String::from_utf8(answer).unwrap()
}

/// One answer with its body, by its `content-length`; what comes after it is left.
pub async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let read = async {
        while !text.ends_with("\r\n\r\n") {
            text.push(stream.read_u8().await.expect("an answer comes").into());
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        text.push_str(&String::from_utf8(body).unwrap());
    };
    assert!(timeout(PATIENCE, read).await.is_ok(), "no whole answer came");
    text
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// A request after which the connection is closed.
pub fn get_and_close(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}
