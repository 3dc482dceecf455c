#[service]
impl v1::Inventory for Stock {
    type Error = StockError;

    #[rpc(timeout = "2s", limit(request = "64KiB", answer = ANSWER))]
    async fn reserve(&self, request: ReserveRequest) -> Result<Reservation, StockError> {
        self.reserve_one(request).await
    }

    #[cfg(unix)]
    #[comms::rpc(timeout = TIMEOUT)]
    async fn watch(&self, request: WatchRequest) -> Result<Outbound<Level, StockError>, StockError> {
        self.watch_all(request).await
    }

    async fn close(&self, (): ()) -> Result<(), StockError> {
        Ok(())
    }
}
