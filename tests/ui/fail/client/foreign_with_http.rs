use comms::{client, get};

#[client(url = "https://api.pay.example", http = contracts::Payments)]
trait Provider {
    #[get("/ping")]
    async fn ping(&self);
}

fn main() {}
