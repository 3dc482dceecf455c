//! Forms with files.

use comms::client::{CallError, Client as _, Settings};
use comms::config::{ClientConfig, Config};
use comms::http::{BodyStream, FormPart, Multipart, Problem};
use comms::testing::{Fake as _, TestApp};
use comms::{AppBuilder, client, post, service};
use futures_util::stream;
use serde::{Deserialize, Serialize};

use super::media::{PIECE, PIECES, Watch, in_process, over_port};

/// A field as it arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    name: String,
    file: Option<String>,
    media: Option<String>,
    text: String,
}

#[service(name = "pictures", version = "1.0.0")]
pub trait Pictures {
    #[post("/pictures", limit(body = "200MiB"), timeout = "2m")]
    async fn add(&self, form: Multipart) -> Result<Vec<Seen>, Problem>;

    #[post("/weights", limit(body = "200MiB"), timeout = "2m")]
    async fn weigh(&self, form: Multipart) -> Result<u64, Problem>;
}

#[service(name = "gallery", version = "1.0.0")]
pub(crate) struct Gallery {
    watch: Watch,
}

#[service]
impl Pictures for Gallery {
    async fn add(&self, mut form: Multipart) -> Result<Vec<Seen>, Problem> {
        let mut seen = Vec::new();
        while let Some(field) = form.field().await? {
            let [name, file, media] = [field.name(), field.file_name(), field.content_type()].map(|text| text.map(str::to_owned));
            seen.push(Seen { name: name.unwrap_or_default(), file, media, text: field.text().await? });
        }
        Ok(seen)
    }

    async fn weigh(&self, mut form: Multipart) -> Result<u64, Problem> {
        let mut bytes = 0;
        while let Some(mut field) = form.field().await? {
            while let Some(piece) = field.piece().await? {
                self.watch.taken(piece.len());
                bytes += piece.len() as u64;
            }
        }
        Ok(bytes)
    }
}

/// The pictures, as the front calls them.
#[client(http = Pictures)]
pub(crate) struct Behind;

/// Hands on what it gets, as it comes.
#[service(name = "front", version = "1.0.0")]
pub(crate) struct Front {
    behind: Behind,
}

#[service]
impl Pictures for Front {
    async fn add(&self, form: Multipart) -> Result<Vec<Seen>, Problem> {
        self.behind.add(form).await.map_err(|error| error.refused().unwrap_or_else(|| Problem::new(502)))
    }

    async fn weigh(&self, mut form: Multipart) -> Result<u64, Problem> {
        // It is too late then.
        drop(form.field().await?);
        self.behind.weigh(form).await.map_err(|error| Problem::new(502).detail(error.to_string()))
    }
}

async fn serve(watch: &Watch) -> (comms::App, [PicturesClient; 2]) {
    let config = Config::from_toml("[http]\naddress = \"127.0.0.1:0\"").unwrap();
    let app = AppBuilder::new("gallery").service::<Gallery>().provide(watch.clone()).implementation::<__comms_Gallery_Pictures>();
    let app = app.config(config).start().await.unwrap();
    let config = super::media::config(&app);
    let clients = [over_port(&config), in_process(&app, &config)];
    (app, clients)
}

fn seen(name: &str, file: Option<&str>, media: Option<&str>, text: &str) -> Seen {
    Seen { name: name.to_owned(), file: file.map(str::to_owned), media: media.map(str::to_owned), text: text.to_owned() }
}

#[tokio::test]
async fn fields_and_files_arrive_as_they_were() {
    let (_app, clients) = serve(&Watch::new()).await;
    for pictures in clients {
        let film = BodyStream::of(stream::iter(["frame 1\r\n", "", "--frame 2"]));
        let form = Multipart::new().text("title", "A cat,\r\nä").file("film", "cat ä.mp4", "video/mp4", film).file(
            "empty",
            "e",
            "text/plain; a=b",
            "",
        );
        let form = form.part(FormPart::new("plain", "x").media_type("application/json")).part(FormPart::new("raw", "y").file_name("f"));
        let expected = [
            seen("title", None, None, "A cat,\r\nä"),
            seen("film", Some("cat ä.mp4"), Some("video/mp4"), "frame 1\r\n--frame 2"),
            seen("empty", Some("e"), Some("text/plain; a=b"), ""),
            seen("plain", None, Some("application/json"), "x"),
            seen("raw", Some("f"), Some("application/octet-stream"), "y"),
        ];
        assert_eq!(pictures.add(form).await.unwrap(), expected);
        assert_eq!(pictures.add(Multipart::new()).await.unwrap(), []);
        assert_eq!(pictures.add(Multipart::new().text("whole", "1")).await.unwrap(), [seen("whole", None, None, "1")]);
    }
}

#[tokio::test]
async fn no_name_can_bring_a_header_or_a_field_of_its_own() {
    let (_app, clients) = serve(&Watch::new()).await;
    let evil = "a\"\r\nContent-Type: evil/x\r\n\r\n\\";
    for pictures in clients {
        let arrived = pictures.add(Multipart::new().file(evil, evil, "text/plain", "x")).await.unwrap();
        let written = "a%22%0D%0AContent-Type: evil/x%0D%0A%0D%0A%5C";
        assert_eq!(arrived, [seen(written, Some(written), Some("text/plain"), "x")]);
        let form = Multipart::new().file("a", "b", "text/plain\r\nevil: 1", "x");
        let error = pictures.add(form).await.unwrap_err();
        assert!(matches!(&error, CallError::Request { .. }), "{error:?}");
        assert!(error.to_string().contains("the field `a` of the form:") && error.to_string().contains("is no media type"), "{error}");
    }
}

#[tokio::test]
async fn a_file_is_sent_only_as_fast_as_it_is_taken() {
    let watch = Watch::new();
    let (_app, [over_port, in_process]) = serve(&watch).await;
    for (pictures, bound) in [(in_process, 4 * PIECE as i64), (over_port, 24 << 20)] {
        let form = Multipart::new().file("film", "cat.mp4", "video/mp4", BodyStream::of(watch.pieces(PIECES)));
        assert_eq!(pictures.weigh(form).await.unwrap(), PIECES * PIECE as u64);
        assert!(watch.most() <= bound, "{} bytes were in flight", watch.most());
        assert_eq!(watch.in_flight(), 0);
    }
}

#[tokio::test]
async fn a_file_that_fails_at_the_caller_fails_the_call() {
    let (_app, clients) = serve(&Watch::new()).await;
    for pictures in clients {
        let film = BodyStream::of(stream::iter([Ok("half"), Err("the disk is gone")]));
        let error = pictures.add(Multipart::new().file("film", "cat.mp4", "video/mp4", film)).await.unwrap_err();
        assert!(error.to_string().contains("its body could not be sent to the end: the disk is gone"), "{error}");
    }
}

#[tokio::test]
async fn a_fake_keeps_the_fields_of_a_form() {
    let fake = PicturesFake::default();
    fake.weigh().always(|form| Ok(form.parts().iter().filter_map(FormPart::content).map(|content| content.len() as u64).sum()));
    let pictures = PicturesClient::over(fake.channel(), Settings::of("pictures", &ClientConfig::default()));
    let film = BodyStream::of(stream::iter(["one", "two"]));
    assert_eq!(pictures.weigh(Multipart::new().text("title", "x").file("film", "cat.mp4", "video/mp4", film)).await.unwrap(), 7);
    let calls = fake.weigh().calls();
    let parts = calls[0].parts();
    let shown = |part: &FormPart| (part.name().to_owned(), part.file_name_text().map(str::to_owned), part.content().unwrap().clone());
    assert_eq!(shown(&parts[0]), ("title".to_owned(), None, "x".into()));
    assert_eq!(shown(&parts[1]), ("film".to_owned(), Some("cat.mp4".to_owned()), "onetwo".into()));
    assert_eq!((parts[0].media_type_text(), parts[1].media_type_text()), (None, Some("video/mp4")));
}

#[tokio::test]
async fn a_form_is_sent_on_as_it_came() {
    let (gallery, _) = serve(&Watch::new()).await;
    let text = format!("[clients.behind]\naddresses = [\"http://{}\"]", gallery.http_address().unwrap());
    let front = AppBuilder::new("front").service::<Front>().client::<Behind>().implementation::<__comms_Front_Pictures>();
    let front = TestApp::with(front.config(Config::from_toml(&text).unwrap())).start().await.unwrap();
    let pictures: PicturesClient = in_process(front.app(), &ClientConfig::default());
    let film = || BodyStream::of(stream::iter(["one", "two"]));
    let arrived = pictures.add(Multipart::new().text("title", "x").file("film", "cat.mp4", "video/mp4", film())).await.unwrap();
    assert_eq!(arrived, [seen("title", None, None, "x"), seen("film", Some("cat.mp4"), Some("video/mp4"), "onetwo")]);
    let error = pictures.weigh(Multipart::new().file("film", "cat.mp4", "video/mp4", film())).await.unwrap_err();
    assert!(error.to_string().contains("some of the form was read, and the rest is none"), "{error}");
}

/// What a test of the method alone makes, a form that is read where it was made.
#[tokio::test]
async fn a_form_that_was_made_can_be_read() {
    let mut form = Multipart::new().text("a", "1").file("b", "f", "text/plain", BodyStream::of(stream::iter(["2", "3"])));
    let field = form.field().await.unwrap().unwrap();
    assert_eq!((field.name(), field.content_type()), (Some("a"), None));
    assert_eq!(field.text().await.unwrap(), "1");
    assert_eq!(form.field().await.unwrap().unwrap().text().await.unwrap(), "23");
    assert!(form.field().await.unwrap().is_none());
}
