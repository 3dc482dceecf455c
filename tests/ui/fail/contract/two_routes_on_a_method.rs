use comms::{get, post, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges")]
    #[post("/charges")]
    async fn charge(&self);
}

fn main() {}
