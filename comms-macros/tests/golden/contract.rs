#[service(name = "payments", version = "1.0.0")]
/// Takes money.
pub trait Payments: Send {
    /// Charges a card.
    #[post("/charges", status = 201, timeout = "5s", idempotency_key, limit(body = "64KiB"))]
    async fn charge(&self, charge: NewCharge) -> Result<Charge, PaymentError>;

    #[get("/charges/{id}")]
    async fn find(&self, id: ChargeId, #[header("x-tenant")] tenant: Option<String>, page: u32) -> Option<Charge>;

    #[cfg(feature = "refunds")]
    #[comms::delete("/charges/{id}", idempotent)]
    async fn refund(&self, id: ChargeId) -> Result<(), PaymentError>;
}
