#[client(http = contracts::Payments, timeout = LONG)]
/// Calls the payments.
#[cfg(unix)]
#[derive(Debug)]
pub struct PaymentApi;
