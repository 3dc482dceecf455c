use comms::{client, get};

#[client(url = "api.pay.example")]
trait Provider {
    #[get("/ping")]
    async fn ping(&self);
}

fn main() {}
