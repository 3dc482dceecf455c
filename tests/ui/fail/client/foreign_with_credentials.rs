use comms::{client, get};

#[client(url = "https://user:secret@api.pay.example")]
trait Provider {
    #[get("/ping")]
    async fn ping(&self);
}

fn main() {}
