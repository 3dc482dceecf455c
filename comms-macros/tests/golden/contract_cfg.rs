#[service(name = "rates", version = "1.0.0")]
#[cfg(unix)]
trait Rates {
    #[cfg(feature = "today")]
    #[get("/rates/today", idempotent)]
    async fn today(&self) -> Result<f64, RateError>;
}
