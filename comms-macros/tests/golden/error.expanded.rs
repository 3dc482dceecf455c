impl Billing {
    fn on_order_placed(&self, event: OrderPlaced) {}
}
const _: () = {
    #[allow(unused_imports)]
    use event_handler as _;
};
::core::compile_error! {
    "unknown option `retries` of #[event_handler]\nvalid here: `group`, `retry`, `timeout`, `batch`, `transactional`, `publishes`"
}
::core::compile_error! {
    "a handler is an `async fn`: write `async fn on_order_placed`"
}
