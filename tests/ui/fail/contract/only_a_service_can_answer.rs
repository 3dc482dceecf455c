use comms::http::{Problem, Raw, With};
use comms::{get, service};

#[service(name = "pictures", version = "1.0.0")]
trait Pictures {
    #[get("/pictures/{id}")]
    async fn find(&self, id: u64) -> Result<Raw, Problem>;

    #[get("/pictures/{id}/thumbnail")]
    async fn thumbnail(&self, id: u64) -> With<Raw>;
}

fn main() {}
