#[client(url = "https://api.pay.example/v1", name = "payment-provider", timeout = "5s")]
trait Provider {
    #[get("/ping")]
    async fn ping(&self);
}
