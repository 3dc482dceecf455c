//! The desk where books are lent.

use comms::http::{Answered, IntoAnswer, Medium, Method, Raw, Response, StatusCode};
use comms::{get, post, service};
use uuid::Uuid;

use crate::books::Shelf;
use crate::types::{Movement, NoSuchBook, Note};

/// A page for people.
struct Sheet(String);

impl IntoAnswer for Sheet {
    fn into_answer(self, status: u16) -> Answered {
        let mut response = Response::new(self.0.into());
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
        Ok(with_type("text/plain", response))
    }
}

fn with_type(media: &str, mut response: Response) -> Response {
    response.headers_mut().insert("content-type", media.parse().expect("it is one"));
    response
}

impl Medium for Sheet {
    type Data = String;
    const MEDIA: Option<&'static str> = Some("text/plain");
}

/// Lends books and takes them back.
#[service(name = "desk", version = "0.9.0")]
pub(crate) struct Desk {
    shelf: Shelf,
}

#[service]
impl Desk {
    /// Notes that a book was lent or brought back.
    #[post("/desk/movements", status = 202)]
    async fn note(&self, movements: Vec<Movement>, #[query] urgent: bool) -> Result<(), NoSuchBook> {
        let _ = urgent;
        let missing = movements.iter().map(|movement| match movement {
            Movement::Lent { book, .. } | Movement::Returned { book } => *book,
        });
        missing.filter(|book| !self.shelf.has(*book)).map(NoSuchBook).map(Err).next().unwrap_or(Ok(()))
    }

    /// The rules.
    #[get("/desk/rules/{language}")]
    async fn rules(&self, language: String, #[extract] method: Method) -> Sheet {
        Sheet(format!("{method}: be quiet, in {language}"))
    }

    /// A file.
    #[get("/desk/files/{*path}")]
    async fn file(&self, path: String, #[header("x-colors")] colors: Vec<String>, ratio: Option<f64>, sign: Option<char>) -> Vec<String> {
        vec![path, colors.join(" and "), format!("{ratio:?}"), format!("{sign:?}")]
    }

    /// Leaves a note.
    #[post("/desk/notes/{id}")]
    async fn leave(&self, id: Uuid, note: Note) -> Note {
        Note { text: format!("{id}: {}", note.text) }
    }

    #[get("/desk/lamp")]
    async fn lamp(&self) -> Raw {
        Raw(with_type("text/plain", Response::new("on".into())))
    }
}
