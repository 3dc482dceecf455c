/// Issues invoices.
#[service(name = "billing", version = "1.2.0", tags("x", "y"), subscribe("orders", group = "g", ordered(after = "park-key"), concurrency = 16, dedup = "10m"), subscribe("shop.#"))]
pub struct Billing {
    events: Publisher<InvoiceIssued>,
    invoices: Invoices,
}
