#[cfg(unix)]
trait Rates: ::core::marker::Send + ::core::marker::Sync + 'static {
    #[cfg(feature = "today")]
    fn today(
        &self,
    ) -> impl ::core::future::Future<
        Output = Result<f64, RateError>,
    > + ::core::marker::Send;
    #[doc(hidden)]
    fn __comms_register(app: ::comms::AppBuilder) -> ::comms::AppBuilder
    where
        Self: ::comms::Service,
    {
        let app = app.contract::<Self>("rates");
        #[cfg(feature = "today")]
        let app = app.route::<__comms_Rates_today<Self>>();
        app
    }
}
const _: () = {
    #[cfg(unix)]
    #[cfg(feature = "today")]
    #[allow(unused_imports)]
    use get as _;
};
#[cfg(unix)]
#[cfg(feature = "today")]
#[doc(hidden)]
#[allow(non_camel_case_types)]
struct __comms_Rates_today<S>(::core::marker::PhantomData<fn() -> S>);
#[cfg(unix)]
#[cfg(feature = "today")]
impl<S> __comms_Rates_today<S> {
    const ROUTE: ::comms::http::RouteDecl = ::comms::http::RouteDecl::new(
            ::comms::http::Verb::Get,
            "/rates/today",
            "today",
            ::comms::__here!(),
        )
        .answer(::comms::__shape!(answer Result < f64, RateError >))
        .error(::comms::__shape!(error RateError))
        .idempotent();
}
#[cfg(unix)]
#[cfg(feature = "today")]
impl<S: Rates> ::comms::http::Route for __comms_Rates_today<S> {
    type Service = S;
    const DECL: ::comms::http::RouteDecl = Self::ROUTE;
    async fn call(
        service: ::std::sync::Arc<Self::Service>,
        _: ::comms::http::Arguments,
    ) -> ::comms::http::Answered {
        ::comms::__contract_answered!(Self::DECL.status, S::today(& service,). await)
    }
}
#[cfg(unix)]
///Calls [`Rates`] over HTTP. Cloning is cheap; clones share their connections.
#[derive(::core::clone::Clone, ::core::fmt::Debug)]
struct RatesClient(::comms::client::HttpCaller);
#[cfg(unix)]
impl RatesClient {
    #[cfg(feature = "today")]
    /**Calls `GET /rates/today`.

# Errors
What the service answered, or what went wrong on the way to it.*/
    async fn today(
        &self,
    ) -> ::core::result::Result<f64, ::comms::client::CallError<RateError>> {
        let call = self.0.begin(&__comms_Rates_today::<()>::ROUTE);
        ::comms::__sent!(call, f64, RateError)
    }
}
#[cfg(unix)]
impl ::comms::client::Client for RatesClient {
    const DECL: ::comms::client::ClientDecl = ::comms::client::ClientDecl::new(
        "rates",
        ::comms::client::ClientKind::Http,
        "rates",
        ::comms::__here!(),
    );
    fn over(
        channel: ::comms::client::Channel,
        settings: ::comms::client::Settings,
    ) -> Self {
        Self(::comms::client::HttpCaller::new(channel, settings))
    }
}
::comms::__fake! {
    #[cfg(unix)] #[doc =
    "Stands in for [`Rates`] in tests: answers as its scripts say, and keeps what it was called with. Clones share both."]
    #[derive(::core::clone::Clone, ::core::fmt::Debug)] struct RatesFake { #[cfg(feature
    = "today")] today : ::comms::testing::Script < (), Result < f64, RateError > >, }
    #[cfg(unix)] impl ::core::default::Default for RatesFake { fn default() -> Self {
    Self { #[cfg(feature = "today")] today : ::comms::testing::Script::new("RatesFake",
    "today"), } } } #[cfg(unix)] impl RatesFake { #[cfg(feature = "today")] #[doc =
    "What `today` answers, and what it was called with."] fn today(& self) -> &
    ::comms::testing::Script < (), Result < f64, RateError > > { & self.today } }
    #[cfg(unix)] impl Rates for RatesFake { #[cfg(feature = "today")] async fn today(&
    self,) -> Result < f64, RateError > { self.today.call(()). await } } #[cfg(unix)]
    impl ::comms::testing::Fake for RatesFake { fn channel(& self) ->
    ::comms::client::Channel { let routes = ::comms::testing::Routes::of("rates",
    ::std::sync::Arc::new(::core::clone::Clone::clone(self))); #[cfg(feature = "today")]
    let routes = routes.route:: < __comms_Rates_today < Self >> (); routes.channel() } }
}
#[cfg(unix)]
::comms::__listed!("Rates");
