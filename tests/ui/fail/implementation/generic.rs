use comms::{get, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges/{id}")]
    async fn find(&self, id: u64) -> u64;
}

struct Bank<T>(T);

#[service]
impl<T: Send + Sync + 'static> Payments for Bank<T> {
    async fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
