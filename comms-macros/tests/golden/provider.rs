#[provider]
pub(crate) async fn invoices(pool: Pool) -> Result<Invoices, sqlx::Error> {
    Invoices::open(pool).await
}
