use comms::{client, get, post, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges")]
    async fn list(&self, #[header("accept")] kind: String, #[header("traceparent")] trace: String) -> Vec<u64>;

    #[post("/charges")]
    async fn charge(
        &self,
        cents: u64,
        #[header("content-length")] length: u64,
        #[header("transfer-encoding")] coding: String,
        #[header("x-request-id")] id: String,
        #[header("grpc-timeout")] patience: String,
    );
}

#[client(url = "https://rates.example")]
trait Rates {
    #[get("/rates")]
    async fn rates(
        &self,
        #[header("host")] host: String,
        #[header("connection")] connection: String,
        #[header("te")] te: String,
        #[header("upgrade")] upgrade: String,
        #[header("authorization")] token: String,
    ) -> Vec<f64>;
}

fn main() {}
