#[service]
#[cfg(unix)]
impl v1::Payments for Bank {
    async fn charge(&self, charge: NewCharge) -> Result<Charge, PaymentError> {
        self.charge_one(charge).await
    }
}
