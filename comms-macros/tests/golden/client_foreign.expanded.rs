trait Provider: ::core::marker::Send + ::core::marker::Sync + 'static {
    fn ping(&self) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
    #[doc(hidden)]
    fn __comms_register(app: ::comms::AppBuilder) -> ::comms::AppBuilder
    where
        Self: ::comms::Service,
    {
        let app = app.route::<__comms_Provider_ping<Self>>();
        app
    }
}
const _: () = {
    #[allow(unused_imports)]
    use get as _;
};
#[doc(hidden)]
#[allow(non_camel_case_types)]
struct __comms_Provider_ping<S>(::core::marker::PhantomData<fn() -> S>);
impl<S> __comms_Provider_ping<S> {
    const ROUTE: ::comms::http::RouteDecl = ::comms::http::RouteDecl::new(
            ::comms::http::Verb::Get,
            "/ping",
            "ping",
            ::comms::__here!(),
        )
        .answer(::comms::__shape!(answer()));
}
impl<S: Provider> ::comms::http::Route for __comms_Provider_ping<S> {
    type Service = S;
    const DECL: ::comms::http::RouteDecl = Self::ROUTE;
    async fn call(
        service: ::std::sync::Arc<Self::Service>,
        _: ::comms::http::Arguments,
    ) -> ::comms::http::Answered {
        ::comms::__contract_answered!(Self::DECL.status, S::ping(& service,). await)
    }
}
///Calls [`Provider`] over HTTP. Cloning is cheap; clones share their connections.
#[derive(::core::clone::Clone, ::core::fmt::Debug)]
struct ProviderClient(::comms::client::HttpCaller);
impl ProviderClient {
    /**Calls `GET /ping`.

# Errors
What the service answered, or what went wrong on the way to it.*/
    async fn ping(
        &self,
    ) -> ::core::result::Result<
        (),
        ::comms::client::CallError<::comms::contract::Never>,
    > {
        let mut call = self.0.begin(&__comms_Provider_ping::<()>::ROUTE);
        call.foreign();
        ::comms::__sent!(call, (), ::comms::contract::Never)
    }
}
impl ::comms::client::Client for ProviderClient {
    const DECL: ::comms::client::ClientDecl = ::comms::client::ClientDecl::new(
            "payment-provider",
            ::comms::client::ClientKind::Http,
            "payment-provider",
            ::comms::__here!(),
        )
        .url("https://api.pay.example/v1")
        .timeout(::core::time::Duration::from_millis(5000));
    fn over(
        channel: ::comms::client::Channel,
        settings: ::comms::client::Settings,
    ) -> Self {
        Self(::comms::client::HttpCaller::new(channel, settings))
    }
}
::comms::__fake! {
    #[doc =
    "Stands in for [`Provider`] in tests: answers as its scripts say, and keeps what it was called with. Clones share both."]
    #[derive(::core::clone::Clone, ::core::fmt::Debug)] struct ProviderFake { ping :
    ::comms::testing::Script < (), () >, } impl ::core::default::Default for ProviderFake
    { fn default() -> Self { Self { ping : ::comms::testing::Script::new("ProviderFake",
    "ping"), } } } impl ProviderFake { #[doc =
    "What `ping` answers, and what it was called with."] fn ping(& self) -> &
    ::comms::testing::Script < (), () > { & self.ping } } impl Provider for ProviderFake
    { async fn ping(& self,) { self.ping.call(()). await } } impl ::comms::testing::Fake
    for ProviderFake { fn channel(& self) -> ::comms::client::Channel { let routes =
    ::comms::testing::Routes::of("payment-provider",
    ::std::sync::Arc::new(::core::clone::Clone::clone(self))); let routes = routes
    .route:: < __comms_Provider_ping < Self >> (); routes.channel() } }
}
::comms::__listed!("Provider");
