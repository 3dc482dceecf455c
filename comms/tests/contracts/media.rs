//! A contract whose bodies and answers are of every kind, and a service that implements it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use comms::client::{Channel, Client, Settings};
use comms::config::{ClientConfig, Config, Protocol};
use comms::http::{BodyStream, ByteStream, Bytes, Event, EventStream, Form, HttpError, Problem, With};
use comms::{App, AppBuilder, BoxError, delete, get, post, put, service};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// Nothing here takes that long, on however busy a machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const PIECE: usize = 64 << 10;
/// So many pieces make a hundred megabytes.
pub(crate) const PIECES: u64 = 1600;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub user: String,
    pub age: Option<u8>,
    #[serde(default)]
    pub scope: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub(crate) enum MediaError {
    #[error("there is no {name}")]
    Missing { name: String },
    #[error("the body broke off: {why}")]
    BrokeOff { why: String },
}

impl HttpError for MediaError {
    fn problem(&self) -> Problem {
        let status = if matches!(self, Self::Missing { .. }) { 404 } else { 400 };
        Problem::new(status).detail(self.to_string())
    }
}

/// Takes and gives everything.
#[service(name = "media", version = "1.0.0")]
pub trait Media {
    #[post("/forms")]
    async fn form(&self, form: Form<Login>) -> Result<Login, MediaError>;

    #[post("/texts")]
    async fn text(&self, text: String) -> String;

    #[put("/bytes")]
    async fn bytes(&self, bytes: Bytes) -> Result<Bytes, MediaError>;

    #[post("/uploads/{name}", limit(body = "200MiB"), timeout = "2m")]
    async fn upload(&self, name: String, body: BodyStream) -> Result<u64, MediaError>;

    #[post("/echo", limit(body = "200MiB"), timeout = "2m")]
    async fn echo(&self, body: BodyStream) -> ByteStream;

    #[post("/logins")]
    async fn place(&self, login: Login) -> Result<With<Login>, MediaError>;

    #[delete("/logins/{user}")]
    async fn remove(&self, user: String) -> With<()>;

    #[get("/events")]
    async fn events(&self, from: u64) -> Result<EventStream, MediaError>;

    #[get("/export")]
    async fn export(&self, pieces: u64) -> Result<ByteStream, MediaError>;

    #[get("/table")]
    async fn table(&self) -> With<ByteStream>;
}

/// What tests watch and steer the studio by.
#[derive(Clone, Debug)]
pub(crate) struct Watch(Arc<Watched>);

#[derive(Debug)]
struct Watched {
    /// Bytes that were made and are not taken yet, and the most that ever were.
    in_flight: AtomicI64,
    most: AtomicI64,
    /// Streams that live.
    streams: AtomicUsize,
    /// How often each further event may come.
    go: Semaphore,
    /// How many pieces of an upload may be taken.
    take: Semaphore,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let (in_flight, most) = (AtomicI64::new(0), AtomicI64::new(0));
        Self(Arc::new(Watched { in_flight, most, streams: AtomicUsize::new(0), go: Semaphore::new(0), take: Semaphore::new(0) }))
    }

    pub(crate) fn made(&self, bytes: usize) {
        let now = self.0.in_flight.fetch_add(bytes as i64, Ordering::SeqCst) + bytes as i64;
        self.0.most.fetch_max(now, Ordering::SeqCst);
    }

    pub(crate) fn taken(&self, bytes: usize) {
        self.0.in_flight.fetch_sub(bytes as i64, Ordering::SeqCst);
    }

    pub(crate) fn in_flight(&self) -> i64 {
        self.0.in_flight.load(Ordering::SeqCst)
    }

    pub(crate) fn most(&self) -> i64 {
        self.0.most.load(Ordering::SeqCst)
    }

    /// Waits until nothing more is made or taken.
    pub(crate) async fn still(&self) {
        let (mut last, mut times) = (self.in_flight(), 0);
        until("nothing moves", || {
            let now = self.in_flight();
            times = if now == last { times + 1 } else { 0 };
            last = now;
            times == 40
        })
        .await;
    }

    pub(crate) fn streams(&self) -> usize {
        self.0.streams.load(Ordering::SeqCst)
    }

    /// Lets so many further events come.
    pub(crate) fn go(&self, events: usize) {
        self.0.go.add_permits(events);
    }

    /// Lets so many further pieces be taken.
    pub(crate) fn take(&self, pieces: usize) {
        self.0.take.add_permits(pieces);
    }

    /// Pieces that count themselves as made.
    pub(crate) fn pieces(&self, count: u64) -> impl Stream<Item = Bytes> + Send + use<> {
        let (watch, piece) = (self.clone(), Bytes::from(vec![b'x'; PIECE]));
        stream::iter(0..count).map(move |_| {
            watch.made(PIECE);
            piece.clone()
        })
    }
}

/// Counts itself as long as it lives.
struct Alive(Watch);

impl Alive {
    fn of(watch: &Watch) -> Self {
        watch.0.streams.fetch_add(1, Ordering::SeqCst);
        Self(watch.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.0.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

#[service(name = "studio", version = "1.0.0")]
pub(crate) struct Studio {
    watch: Watch,
}

#[service]
impl Media for Studio {
    async fn form(&self, Form(login): Form<Login>) -> Result<Login, MediaError> {
        Ok(login)
    }

    async fn text(&self, text: String) -> String {
        text + "!"
    }

    async fn bytes(&self, bytes: Bytes) -> Result<Bytes, MediaError> {
        if bytes.is_empty() { Err(MediaError::Missing { name: "bytes".to_owned() }) } else { Ok(bytes) }
    }

    async fn upload(&self, name: String, mut body: BodyStream) -> Result<u64, MediaError> {
        let _alive = Alive::of(&self.watch);
        let mut bytes = 0;
        loop {
            if name == "slowly" {
                self.watch.0.take.acquire().await.expect("never closed").forget();
            }
            match body.piece().await {
                Ok(Some(piece)) => {
                    self.watch.taken(piece.len());
                    bytes += piece.len() as u64;
                }
                Ok(None) => return Ok(bytes),
                Err(problem) => return Err(MediaError::BrokeOff { why: problem.to_string() }),
            }
        }
    }

    async fn echo(&self, body: BodyStream) -> ByteStream {
        ByteStream::of(body)
    }

    async fn place(&self, login: Login) -> Result<With<Login>, MediaError> {
        let location = format!("/logins/{}", login.user);
        Ok(With::new(login).status(201).header("location", location))
    }

    async fn remove(&self, user: String) -> With<()> {
        With::new(()).header("x-removed", user)
    }

    /// Numbers as far as they may go; `from` 404 is missing, and after 99 it fails.
    async fn events(&self, from: u64) -> Result<EventStream, MediaError> {
        if from == 404 {
            return Err(MediaError::Missing { name: "event".to_owned() });
        }
        let (alive, watch) = (Alive::of(&self.watch), self.watch.clone());
        let numbers = stream::unfold((alive, from), move |(alive, number)| {
            let watch = watch.clone();
            async move {
                watch.0.go.acquire().await.expect("never closed").forget();
                let event = match number {
                    100 => Err(BoxError::from("the numbers are used up")),
                    number => Event::json(&number).map(|event| event.name("number").id(number.to_string())).map_err(Into::into),
                };
                Some((event, (alive, number + 1)))
            }
        });
        Ok(EventStream::of(numbers))
    }

    async fn export(&self, pieces: u64) -> Result<ByteStream, MediaError> {
        let alive = Alive::of(&self.watch);
        Ok(ByteStream::of(self.watch.pieces(pieces).map(move |piece| {
            let _alive = &alive;
            piece
        })))
    }

    async fn table(&self) -> With<ByteStream> {
        With::new(ByteStream::of(stream::iter(["a,1\n", "b,2\n"]))).status(203).header("content-type", "text/csv")
    }
}

pub(crate) fn studio(watch: &Watch) -> AppBuilder {
    AppBuilder::new("studio").service::<Studio>().provide(watch.clone()).implementation::<__comms_Studio_Media>()
}

pub(crate) async fn serve(watch: &Watch) -> App {
    let config = Config::from_toml("[http]\naddress = \"127.0.0.1:0\"").expect("valid");
    studio(watch).config(config).start().await.expect("a studio")
}

pub(crate) fn config(app: &App) -> ClientConfig {
    ClientConfig::at(format!("http://{}", app.http_address().expect("a port")))
}

/// A client over a port.
pub(crate) fn over_port<C: Client>(config: &ClientConfig) -> C {
    C::over(Channel::of(C::DECL.name, config).expect("an address"), Settings::of(C::DECL.name, config))
}

/// A client in the process.
pub(crate) fn in_process<C: Client>(app: &App, config: &ClientConfig) -> C {
    C::over(app.channel(), Settings::of(C::DECL.name, config))
}

/// Over a port, in the process, and over HTTP/2.
pub(crate) fn clients(app: &App) -> [MediaClient; 3] {
    let config = config(app);
    let mut http2 = config.clone();
    http2.protocol = Protocol::Http2;
    [over_port(&config), in_process(app, &config), over_port(&http2)]
}

/// Waits for the condition.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited for {PATIENCE:?} until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
