//! A service that takes bodies and answers of every kind, by the attributes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use comms::config::Config;
use comms::http::{BodyStream, Bytes, Chunks, Event, Events, Form, Problem, Stream, With};
use comms::{App, AppBuilder, BoxError, Context, delete, get, post, put, service};
use futures_util::stream::{self, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// What tests watch and steer the routes by.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Streams that live.
    pub streams: Arc<AtomicUsize>,
    /// Pieces that were made or taken.
    pub pieces: Arc<AtomicU64>,
    /// What `/news` tells.
    pub news: broadcast::Sender<u32>,
    /// Pieces of `/slow` are not taken yet.
    pub waits: Arc<AtomicBool>,
}

impl Watch {
    pub fn new() -> Self {
        Self { streams: Arc::default(), pieces: Arc::default(), news: broadcast::Sender::new(64), waits: Arc::default() }
    }

    pub async fn open(&self, count: usize) {
        crate::client::until(&format!("{count} streams are open"), || self.streams.load(Ordering::SeqCst) == count).await;
    }

    pub fn pieces(&self) -> u64 {
        self.pieces.load(Ordering::SeqCst)
    }
}

/// Counts itself as long as it lives.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn of(watch: &Watch) -> Self {
        watch.streams.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(&watch.streams))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[service(name = "parcels", version = "1.0.0")]
pub struct Parcels {
    watch: Watch,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Parcel {
    to: String,
    weight: Option<u32>,
    #[serde(default)]
    tag: Vec<String>,
}

const PIECE: usize = 64 << 10;

#[service]
impl Parcels {
    #[post("/forms", limit(body = "1KiB"))]
    async fn form(&self, Form(parcel): Form<Parcel>) -> Parcel {
        parcel
    }

    #[post("/bytes", limit(body = "1KiB"))]
    async fn bytes(&self, body: Bytes) -> usize {
        body.len()
    }

    #[post("/text", limit(body = "1KiB"))]
    async fn text(&self, body: String) -> String {
        body
    }

    #[put("/json", limit(body = "1KiB"))]
    async fn json(&self, parcel: Parcel) -> Parcel {
        parcel
    }

    #[post("/count", limit(body = "1MiB"))]
    async fn count(&self, mut body: BodyStream) -> Result<usize, Problem> {
        let mut bytes = 0;
        while let Some(piece) = body.piece().await? {
            bytes += piece.len();
        }
        Ok(bytes)
    }

    /// Its error goes through a box.
    #[post("/sum", limit(body = "1KiB"))]
    async fn sum(&self, body: BodyStream) -> Result<usize, BoxError> {
        let mut bytes = 0;
        let mut body = body.map(|piece| piece.map(|piece| piece.len()));
        while let Some(piece) = body.next().await {
            bytes += piece?;
        }
        Ok(bytes)
    }

    /// Takes nothing as long as it shall wait.
    #[post("/slow", limit(body = "1GiB"))]
    async fn slow(&self, mut body: BodyStream) -> Result<u64, Problem> {
        let _alive = Alive::of(&self.watch);
        loop {
            while self.watch.waits.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let Some(piece) = body.piece().await? else { return Ok(self.watch.pieces()) };
            self.watch.pieces.fetch_add(piece.len() as u64, Ordering::SeqCst);
        }
    }

    /// Sends back what comes, while it comes.
    #[post("/echo", limit(body = "1GiB"))]
    async fn echo(&self, body: BodyStream) -> Chunks<BodyStream> {
        Chunks::new(body)
    }

    #[cfg(feature = "multipart")]
    #[post("/upload", limit(body = "64KiB"))]
    async fn upload(
        &self,
        mut form: comms::http::Multipart,
    ) -> Result<Vec<(Option<String>, Option<String>, Option<String>, usize)>, Problem> {
        let mut seen = Vec::new();
        while let Some(mut field) = form.field().await? {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let (name, file, kind) = (text(field.name()), text(field.file_name()), text(field.content_type()));
            let mut bytes = 0;
            while let Some(piece) = field.piece().await? {
                bytes += piece.len();
            }
            seen.push((name, file, kind, bytes));
        }
        Ok(seen)
    }

    #[post("/parcels", status = 202)]
    async fn add(&self, parcel: Parcel) -> Result<With<Parcel>, Problem> {
        Ok(With::new(parcel).status(201).header("location", "/parcels/7").header("x-a", "1").header("x-a", "2"))
    }

    #[delete("/parcels/{id}")]
    async fn remove(&self, id: u32) -> With<()> {
        With::new(()).header("x-removed", id)
    }

    #[get("/wrong")]
    async fn wrong(&self) -> With<()> {
        With::new(()).header("x-a", "1\r\nx-b: 2")
    }

    #[get("/numbers")]
    async fn numbers(&self) -> With<Chunks<impl Stream<Item = String> + use<>>> {
        With::new(Chunks::new(stream::iter((0..3).map(|number| format!("{number}\n"))))).header("content-type", "text/csv")
    }

    #[get("/news", timeout = "100ms")]
    async fn news(&self) -> Events<impl Stream<Item = Result<Event, BoxError>> + use<>> {
        let state = (self.watch.news.subscribe(), Alive::of(&self.watch));
        let events = stream::unfold(state, |(mut news, alive)| async move {
            let number = news.recv().await.ok()?;
            assert!(number != 13, "unlucky");
            let event =
                if number == 99 { Err("hunter2".into()) } else { Ok(Event::data(number.to_string()).name("news").id(number.to_string())) };
            Some((event, (news, alive)))
        });
        Events::new(events).keep_alive(Duration::from_millis(50))
    }

    /// Text of two bytes for each piece of news.
    #[get("/ticks")]
    async fn ticks(&self) -> With<Chunks<impl Stream<Item = String> + use<>>> {
        let state = (self.watch.news.subscribe(), Alive::of(&self.watch));
        let ticks = stream::unfold(state, |(mut news, alive)| async move {
            let number = news.recv().await.ok()?;
            Some((format!("{number}\n"), (news, alive)))
        });
        With::new(Chunks::new(ticks).endless()).header("content-type", "text/plain")
    }

    /// Endless, and as fast as it is read.
    #[get("/flood")]
    async fn flood(&self) -> Chunks<impl Stream<Item = Bytes> + use<>> {
        Chunks::new(self.pieces()).endless()
    }

    /// As fast as it is read, and its end is wanted.
    #[get("/export")]
    async fn export(&self) -> Chunks<impl Stream<Item = Bytes> + use<>> {
        Chunks::new(self.pieces().take(200))
    }

    #[get("/contexts")]
    async fn contexts(&self) -> Chunks<impl Stream<Item = String> + use<>> {
        Chunks::new(stream::once(async {
            let context = Context::current();
            format!("{} {}", context.correlation().map(ToString::to_string).unwrap_or_default(), context.deadline().is_some())
        }))
    }
}

impl Parcels {
    fn pieces(&self) -> impl Stream<Item = Bytes> + use<> {
        let (alive, pieces) = (Alive::of(&self.watch), Arc::clone(&self.watch.pieces));
        stream::repeat(Bytes::from_static(&[b'x'; PIECE])).inspect(move |_| {
            let _alive = &alive;
            pieces.fetch_add(1, Ordering::SeqCst);
        })
    }
}

pub const PIECE_BYTES: usize = PIECE;

/// All of them.
pub fn app(watch: &Watch) -> AppBuilder {
    let app = AppBuilder::new("parcels").provide(watch.clone()).service::<Parcels>();
    let app = app.route::<__comms_Parcels_form>().route::<__comms_Parcels_bytes>().route::<__comms_Parcels_text>();
    let app = app.route::<__comms_Parcels_count>().route::<__comms_Parcels_sum>().route::<__comms_Parcels_slow>();
    let app = app.route::<__comms_Parcels_echo>().route::<__comms_Parcels_add>().route::<__comms_Parcels_remove>();
    let app = app.route::<__comms_Parcels_wrong>().route::<__comms_Parcels_numbers>().route::<__comms_Parcels_news>();
    let app = app
        .route::<__comms_Parcels_ticks>()
        .route::<__comms_Parcels_flood>()
        .route::<__comms_Parcels_export>()
        .route::<__comms_Parcels_contexts>();
    #[cfg(feature = "multipart")]
    let app = app.route::<__comms_Parcels_upload>();
    app.route::<__comms_Parcels_json>()
}

/// On a port of its own, with these further lines under `[http]`.
pub async fn serve(watch: &Watch, lines: &str) -> App {
    let config = Config::from_toml(&format!("[http]\naddress = \"127.0.0.1:0\"\n{lines}\n")).unwrap();
    app(watch).config(config).start().await.unwrap()
}
