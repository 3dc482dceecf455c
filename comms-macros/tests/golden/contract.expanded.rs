/// Takes money.
pub trait Payments: Send + ::core::marker::Send + ::core::marker::Sync + 'static {
    /// Charges a card.
    fn charge(
        &self,
        charge: NewCharge,
    ) -> impl ::core::future::Future<
        Output = Result<Charge, PaymentError>,
    > + ::core::marker::Send;
    fn find(
        &self,
        id: ChargeId,
        tenant: Option<String>,
        page: u32,
    ) -> impl ::core::future::Future<Output = Option<Charge>> + ::core::marker::Send;
    #[cfg(feature = "refunds")]
    fn refund(
        &self,
        id: ChargeId,
    ) -> impl ::core::future::Future<
        Output = Result<(), PaymentError>,
    > + ::core::marker::Send;
    #[doc(hidden)]
    fn __comms_register(app: ::comms::AppBuilder) -> ::comms::AppBuilder
    where
        Self: ::comms::Service,
    {
        let app = app.contract::<Self>("payments");
        let app = app.route::<__comms_Payments_charge<Self>>();
        let app = app.route::<__comms_Payments_find<Self>>();
        #[cfg(feature = "refunds")]
        let app = app.route::<__comms_Payments_refund<Self>>();
        app
    }
}
const _: () = {
    #[allow(unused_imports)]
    use post as _;
    #[allow(unused_imports)]
    use get as _;
    #[cfg(feature = "refunds")]
    #[allow(unused_imports)]
    use comms::delete as _;
};
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub struct __comms_Payments_charge<S>(::core::marker::PhantomData<fn() -> S>);
impl<S> __comms_Payments_charge<S> {
    pub const ROUTE: ::comms::http::RouteDecl = ::comms::http::RouteDecl::new(
            ::comms::http::Verb::Post,
            "/charges",
            "charge",
            ::comms::__here!(),
        )
        .status(201)
        .timeout(::core::time::Duration::from_millis(5000))
        .body_limit(65536)
        .parameters(
            &[
                ::comms::http::ParameterDecl::new("charge", ::comms::http::Place::Body)
                    .shape(::comms::__shape!(body NewCharge)),
            ],
        )
        .answer(::comms::__shape!(answer Result < Charge, PaymentError >))
        .doc("Charges a card.")
        .error(::comms::__shape!(error PaymentError))
        .idempotency_key();
}
impl<S: Payments> ::comms::http::Route for __comms_Payments_charge<S> {
    type Service = S;
    const DECL: ::comms::http::RouteDecl = Self::ROUTE;
    async fn call(
        service: ::std::sync::Arc<Self::Service>,
        mut arguments: ::comms::http::Arguments,
    ) -> ::comms::http::Answered {
        let arg0 = ::comms::__body!(arguments, NewCharge)?;
        ::comms::__contract_answered!(
            Self::DECL.status, S::charge(& service, arg0). await
        )
    }
}
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub struct __comms_Payments_find<S>(::core::marker::PhantomData<fn() -> S>);
impl<S> __comms_Payments_find<S> {
    pub const ROUTE: ::comms::http::RouteDecl = ::comms::http::RouteDecl::new(
            ::comms::http::Verb::Get,
            "/charges/{id}",
            "find",
            ::comms::__here!(),
        )
        .parameters(
            &[
                ::comms::http::ParameterDecl::new("id", ::comms::http::Place::Path)
                    .shape(::comms::__shape!(parameter ChargeId)),
                ::comms::http::ParameterDecl::new(
                        "x-tenant",
                        ::comms::http::Place::Header,
                    )
                    .shape(::comms::__shape!(parameter Option < String >)),
                ::comms::http::ParameterDecl::new("page", ::comms::http::Place::Query)
                    .shape(::comms::__shape!(parameter u32)),
            ],
        )
        .answer(::comms::__shape!(answer Option < Charge >));
}
impl<S: Payments> ::comms::http::Route for __comms_Payments_find<S> {
    type Service = S;
    const DECL: ::comms::http::RouteDecl = Self::ROUTE;
    async fn call(
        service: ::std::sync::Arc<Self::Service>,
        mut arguments: ::comms::http::Arguments,
    ) -> ::comms::http::Answered {
        let arg0 = arguments.path::<ChargeId>("id")?;
        let arg1 = arguments.header::<Option<String>>("x-tenant")?;
        let arg2 = arguments.query::<u32>("page")?;
        ::comms::__contract_answered!(
            Self::DECL.status, S::find(& service, arg0, arg1, arg2). await
        )
    }
}
#[cfg(feature = "refunds")]
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub struct __comms_Payments_refund<S>(::core::marker::PhantomData<fn() -> S>);
#[cfg(feature = "refunds")]
impl<S> __comms_Payments_refund<S> {
    pub const ROUTE: ::comms::http::RouteDecl = ::comms::http::RouteDecl::new(
            ::comms::http::Verb::Delete,
            "/charges/{id}",
            "refund",
            ::comms::__here!(),
        )
        .parameters(
            &[
                ::comms::http::ParameterDecl::new("id", ::comms::http::Place::Path)
                    .shape(::comms::__shape!(parameter ChargeId)),
            ],
        )
        .answer(::comms::__shape!(answer Result < (), PaymentError >))
        .error(::comms::__shape!(error PaymentError))
        .idempotent();
}
#[cfg(feature = "refunds")]
impl<S: Payments> ::comms::http::Route for __comms_Payments_refund<S> {
    type Service = S;
    const DECL: ::comms::http::RouteDecl = Self::ROUTE;
    async fn call(
        service: ::std::sync::Arc<Self::Service>,
        mut arguments: ::comms::http::Arguments,
    ) -> ::comms::http::Answered {
        let arg0 = arguments.path::<ChargeId>("id")?;
        ::comms::__contract_answered!(
            Self::DECL.status, S::refund(& service, arg0). await
        )
    }
}
///Calls [`Payments`] over HTTP. Cloning is cheap; clones share their connections.
#[derive(::core::clone::Clone, ::core::fmt::Debug)]
pub struct PaymentsClient(::comms::client::HttpCaller);
impl PaymentsClient {
    /// The same client, whose calls with an idempotency key have this one: repetitions of one call, until the key changes.
    #[must_use]
    pub fn with_idempotency_key(
        &self,
        key: impl ::core::convert::Into<::std::sync::Arc<::core::primitive::str>>,
    ) -> Self {
        Self(self.0.with_idempotency_key(key))
    }
    /**Charges a card.

# Errors
What the service answered, or what went wrong on the way to it.*/
    pub async fn charge(
        &self,
        charge: NewCharge,
    ) -> ::core::result::Result<Charge, ::comms::client::CallError<PaymentError>> {
        let mut call = self.0.begin(&__comms_Payments_charge::<()>::ROUTE);
        ::comms::__put!(call, charge, NewCharge);
        call.idempotency_key(::core::option::Option::None);
        ::comms::__sent!(call, Charge, PaymentError)
    }
    /**Calls `GET /charges/{id}`.

# Errors
What the service answered, or what went wrong on the way to it.*/
    pub async fn find(
        &self,
        id: ChargeId,
        tenant: Option<String>,
        page: u32,
    ) -> ::core::result::Result<
        Option<Charge>,
        ::comms::client::CallError<::comms::contract::Never>,
    > {
        let mut call = self.0.begin(&__comms_Payments_find::<()>::ROUTE);
        call.path("id", &id);
        call.header("x-tenant", &tenant);
        call.query("page", &page);
        ::comms::__sent!(call, Option < Charge >, ::comms::contract::Never)
    }
    #[cfg(feature = "refunds")]
    /**Calls `DELETE /charges/{id}`.

# Errors
What the service answered, or what went wrong on the way to it.*/
    pub async fn refund(
        &self,
        id: ChargeId,
    ) -> ::core::result::Result<(), ::comms::client::CallError<PaymentError>> {
        let mut call = self.0.begin(&__comms_Payments_refund::<()>::ROUTE);
        call.path("id", &id);
        ::comms::__sent!(call, (), PaymentError)
    }
}
impl ::comms::client::Client for PaymentsClient {
    const DECL: ::comms::client::ClientDecl = ::comms::client::ClientDecl::new(
            "payments",
            ::comms::client::ClientKind::Http,
            "payments",
            ::comms::__here!(),
        )
        .doc("Takes money.");
    fn over(
        channel: ::comms::client::Channel,
        settings: ::comms::client::Settings,
    ) -> Self {
        Self(::comms::client::HttpCaller::new(channel, settings))
    }
}
::comms::__fake! {
    #[doc =
    "Stands in for [`Payments`] in tests: answers as its scripts say, and keeps what it was called with. Clones share both."]
    #[derive(::core::clone::Clone, ::core::fmt::Debug)] pub struct PaymentsFake { charge
    : ::comms::testing::Script < NewCharge, Result < Charge, PaymentError > >, find :
    ::comms::testing::Script < (ChargeId, Option < String >, u32), Option < Charge > >,
    #[cfg(feature = "refunds")] refund : ::comms::testing::Script < ChargeId, Result <
    (), PaymentError > >, } impl ::core::default::Default for PaymentsFake { fn default()
    -> Self { Self { charge : ::comms::testing::Script::new("PaymentsFake", "charge"),
    find : ::comms::testing::Script::new("PaymentsFake", "find"), #[cfg(feature =
    "refunds")] refund : ::comms::testing::Script::new("PaymentsFake", "refund"), } } }
    impl PaymentsFake { #[doc = "What `charge` answers, and what it was called with."]
    pub fn charge(& self) -> & ::comms::testing::Script < NewCharge, Result < Charge,
    PaymentError > > { & self.charge } #[doc =
    "What `find` answers, and what it was called with."] pub fn find(& self) -> &
    ::comms::testing::Script < (ChargeId, Option < String >, u32), Option < Charge > > {
    & self.find } #[cfg(feature = "refunds")] #[doc =
    "What `refund` answers, and what it was called with."] pub fn refund(& self) -> &
    ::comms::testing::Script < ChargeId, Result < (), PaymentError > > { & self.refund }
    } impl Payments for PaymentsFake { async fn charge(& self, charge : NewCharge) ->
    Result < Charge, PaymentError > { self.charge.call(charge). await } async fn find(&
    self, id : ChargeId, tenant : Option < String >, page : u32) -> Option < Charge > {
    self.find.call((id, tenant, page)). await } #[cfg(feature = "refunds")] async fn
    refund(& self, id : ChargeId) -> Result < (), PaymentError > { self.refund.call(id).
    await } } impl ::comms::testing::Fake for PaymentsFake { fn channel(& self) ->
    ::comms::client::Channel { let routes = ::comms::testing::Routes::of("payments",
    ::std::sync::Arc::new(::core::clone::Clone::clone(self))); let routes = routes
    .route:: < __comms_Payments_charge < Self >> (); let routes = routes.route:: <
    __comms_Payments_find < Self >> (); #[cfg(feature = "refunds")] let routes = routes
    .route:: < __comms_Payments_refund < Self >> (); routes.channel() } }
}
::comms::__listed!("Payments", assert_refusal:: < PaymentError >);
