impl v1::Inventory for Stock {
    type Error = StockError;
    async fn reserve(&self, request: ReserveRequest) -> Result<Reservation, StockError> {
        self.reserve_one(request).await
    }
    #[cfg(unix)]
    async fn watch(
        &self,
        request: WatchRequest,
    ) -> Result<Outbound<Level, StockError>, StockError> {
        self.watch_all(request).await
    }
    async fn close(&self, (): ()) -> Result<(), StockError> {
        Ok(())
    }
}
const _: () = {
    #[allow(unused_imports)]
    use rpc as _;
    #[cfg(unix)]
    #[allow(unused_imports)]
    use comms::rpc as _;
};
#[allow(non_camel_case_types, private_interfaces)]
pub(crate) struct __comms_Stock_v1_Inventory<T = (Stock,)>(
    ::core::marker::PhantomData<fn() -> T>,
);
impl ::comms::contract::Implementation for __comms_Stock_v1_Inventory {
    type Service = Stock;
    fn register(app: ::comms::AppBuilder) -> ::comms::AppBuilder {
        #[allow(unused_imports)]
        use ::comms::__private::registered::AnyTrait as _;
        const RPCS: &[::comms::grpc::RpcDecl] = &[
            ::comms::grpc::RpcDecl::new("reserve", ::comms::__here!())
                .timeout(::core::time::Duration::from_millis(2000))
                .request_limit(65536)
                .answer_limit(ANSWER),
            #[cfg(unix)]
            ::comms::grpc::RpcDecl::new("watch", ::comms::__here!()).timeout(TIMEOUT),
        ];
        fn register<__S: v1::Inventory + ::comms::Service>(
            app: ::comms::AppBuilder,
        ) -> ::comms::AppBuilder {
            ::comms::__private::registered::rpcs_registered(
                __S::__comms_register_rpcs(app, RPCS),
            )
        }
        register::<Stock>(app)
    }
}
::comms::__listed!("Stock::v1::Inventory");
