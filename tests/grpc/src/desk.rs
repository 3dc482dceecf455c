//! A contract over HTTP, beside the gRPC service.

use comms::http::{HttpError, Problem};
use comms::{get, service};

/// Nothing has this number.
#[derive(Debug, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("nothing has this number")]
pub struct NoSuchThing;

impl HttpError for NoSuchThing {
    fn problem(&self) -> Problem {
        Problem::new(404)
    }
}

/// Finds things.
#[service(name = "desk", version = "1.0.0")]
pub trait Desk {
    /// The number of the thing.
    #[get("/things/{id}")]
    async fn thing(&self, id: u32) -> Result<u32, NoSuchThing>;

    /// Takes longer than it may.
    #[get("/slow", timeout = "100ms")]
    async fn slow(&self) -> Result<u32, Problem>;
}
