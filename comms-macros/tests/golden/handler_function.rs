#[event_handler(service = "billing", retry = limits::RETRY)]
pub async fn on_paid(event: Paid, mailer: Mailer) -> anyhow::Result<()> {
    mailer.send(event).await
}
