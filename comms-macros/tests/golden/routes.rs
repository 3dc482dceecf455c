#[service]
#[cfg(unix)]
impl Orders {
    /// Changes an order.
    ///
    /// In one step.
    #[put("/orders/{id}", status = 202, timeout = "5s", limit(body = "64KiB"))]
    async fn change(&self, order: NewOrder, id: OrderId, #[query] dry_run: Option<bool>, #[header("x-tenant")] tenant: Tenant, #[extract] host: Host) -> Result<Order, ChangeError> {
        self.change_one(order, id, dry_run, tenant, host).await
    }
    #[comms::get("/orders", timeout = limits::TIMEOUT)]
    async fn list(&self, customer: Option<String>, #[query] #[allow(unused)] page: Option<u32>) -> Vec<Order> {
        Vec::new()
    }
    #[delete("/files/{*name}")]
    #[cfg(feature = "files")]
    async fn remove(&self, name: String) {}
    #[post("/ping")]
    async fn ping(&self) {}
}
