//! A contract whose bodies and answers are of every kind.

use comms::http::{BodyStream, ByteStream, Bytes, Event, EventStream, Form, Multipart, Problem, With};
use comms::{get, post, put, service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who wants to see something.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Login {
    user: String,
    age: Option<u8>,
}

/// Takes and gives pictures.
#[service(name = "media", version = "1.0.0")]
pub(crate) trait Media {
    /// Logs somebody in.
    #[post("/media/logins")]
    async fn login(&self, form: Form<Login>) -> With<Login>;

    /// Adds pictures.
    #[post("/media/pictures", status = 201)]
    async fn add(&self, form: Multipart) -> Result<u64, Problem>;

    /// Takes a film.
    #[put("/media/film")]
    async fn upload(&self, film: BodyStream) -> Result<u64, Problem>;

    /// What happens.
    #[get("/media/events")]
    async fn watch(&self) -> Result<EventStream, Problem>;

    /// What happens, from somewhere on.
    #[get("/media/events/{from}")]
    async fn watch_from(&self, from: u64) -> With<EventStream>;

    /// The film.
    #[get("/media/film")]
    async fn film(&self) -> Result<ByteStream, Problem>;

    /// A picture.
    #[get("/media/picture")]
    async fn picture(&self) -> Bytes;
}

/// Plays the contract of the media.
#[service(name = "studio", version = "1.0.0")]
pub(crate) struct Studio;

#[service]
impl Media for Studio {
    async fn login(&self, Form(login): Form<Login>) -> With<Login> {
        With::new(login).status(202)
    }

    async fn add(&self, mut form: Multipart) -> Result<u64, Problem> {
        let mut count = 0;
        while form.field().await?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    async fn upload(&self, mut film: BodyStream) -> Result<u64, Problem> {
        let mut bytes = 0;
        while let Some(piece) = film.piece().await? {
            bytes += piece.len() as u64;
        }
        Ok(bytes)
    }

    async fn watch(&self) -> Result<EventStream, Problem> {
        Ok(EventStream::of(futures_util::stream::iter([Event::data("1")])))
    }

    async fn watch_from(&self, from: u64) -> With<EventStream> {
        With::new(EventStream::of(futures_util::stream::iter([Event::data(from.to_string())]))).header("x-from", from)
    }

    async fn film(&self) -> Result<ByteStream, Problem> {
        Ok(ByteStream::of(BodyStream::from("frame")))
    }

    async fn picture(&self) -> Bytes {
        Bytes::from_static(b"picture")
    }
}
