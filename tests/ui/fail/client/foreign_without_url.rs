use comms::{client, get};

#[client(name = "provider")]
trait Provider {
    #[get("/ping")]
    async fn ping(&self);
}

fn main() {}
