#[service(name = "billing", version = "1.2.0")]
pub struct Billing {
    invoices: Invoices,
    #[cfg(feature = "mail")]
    mailer: Mailer,
}
