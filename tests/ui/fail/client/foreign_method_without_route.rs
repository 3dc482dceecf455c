use comms::client;

#[client(url = "https://api.pay.example")]
trait Provider {
    async fn ping(&self);
}

fn main() {}
