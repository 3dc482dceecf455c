//! A server that does as it is told: it reads requests and sends bytes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use comms::client::{Channel, HttpCaller, Settings};
use comms::config::ClientConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::AbortHandle;

/// Nothing here takes that long, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What the peer does with a request.
pub enum Act {
    /// Sends this and waits for the next request.
    Send(String),
    /// Sends this and closes.
    Last(String),
    /// Sends this, and nothing more for as long as the client stays.
    Stall(String),
    /// Closes without a word.
    Close,
}

/// The peer, gone when dropped.
pub struct Peer {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    accepting: AbortHandle,
}

/// What the peer has seen.
#[derive(Default)]
pub struct Seen {
    accepted: AtomicUsize,
    open: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Seen {
    /// How many connections there have been.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// How many connections there are.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Each request, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Peer {
    pub async fn start(act: impl Fn(&str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen, act) = (listener.local_addr().unwrap(), Arc::new(Seen::default()), Arc::new(act));
        let watched = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, act) = (Arc::clone(&watched), Arc::clone(&act));
                seen.accepted.fetch_add(1, Ordering::SeqCst);
                seen.open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    // However it ends: the client sees that its connection does.
                    let _ = converse(stream, &seen, act.as_ref()).await;
                    seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, seen, accepting: accepting.abort_handle() }
    }

    /// One that answers every request with this JSON.
    pub async fn of_json(json: &'static str) -> Self {
        Self::start(move |_| Act::Send(ok(json))).await
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn config(&self) -> ClientConfig {
        ClientConfig::at(self.url())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn converse(mut stream: TcpStream, seen: &Seen, act: &(impl Fn(&str) -> Act + Sync)) -> std::io::Result<()> {
    loop {
        let request = read(&mut stream).await?;
        seen.requests.lock().unwrap().push(request.clone());
        let (text, then) = match act(&request) {
            Act::Send(text) => (text, None),
            Act::Last(text) => (text, Some(false)),
            Act::Stall(text) => (text, Some(true)),
            Act::Close => (String::new(), Some(false)),
        };
        stream.write_all(text.as_bytes()).await?;
        match then {
            None => {}
            Some(false) => return Ok(()),
            Some(true) => return stream.read_u8().await.map(drop),
        }
    }
}

/// A request with its body, by its `content-length`.
async fn read(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        text.push(stream.read_u8().await?.into());
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    text.push_str(&String::from_utf8(body).unwrap());
    Ok(text)
}

/// A whole answer.
pub fn answer(status: &str, content_type: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

pub fn ok(json: &str) -> String {
    answer("200 OK", "application/json", json)
}

pub fn problem(status: &str, json: &str) -> String {
    answer(status, "application/problem+json", json)
}

/// An address at which nobody listens, and nobody can begin to as long as this is there.
pub struct Dead {
    pub address: SocketAddr,
    _socket: TcpSocket,
}

impl Dead {
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self { address: socket.local_addr().unwrap(), _socket: socket }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// An address at which connecting takes for ever: its queue is full, and nobody accepts.
pub struct Deaf {
    pub address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Deaf {
    pub async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let listener = socket.listen(1).unwrap();
        let (address, mut waiting) = (listener.local_addr().unwrap(), Vec::new());
        while let Ok(connected) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            waiting.push(connected.unwrap());
        }
        Self { address, _listener: listener, _waiting: waiting }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Waits for the condition.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited for {PATIENCE:?} until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Calls with this configuration.
pub fn caller(config: &ClientConfig) -> HttpCaller {
    HttpCaller::new(Channel::of("bank", config).unwrap(), Settings::of("bank", config))
}

pub fn at(addresses: &[String]) -> ClientConfig {
    let mut config = ClientConfig::default();
    config.addresses = addresses.to_vec();
    config
}
