#[cfg(unix)]
impl Billing {
    /// Issues the invoice.
    async fn on_order_placed(
        &self,
        event: OrderPlaced,
        mailer: Mailer,
    ) -> Result<(), BillingError> {
        self.issue(event, mailer).await
    }
    #[cfg(feature = "refunds")]
    async fn on_refunded(&self, event: Refunded) {}
    async fn place(&self, command: PlaceOrder) -> Result<OrderId, PlaceOrderError> {
        Ok(self.place_one(command))
    }
    async fn get(&self, query: GetOrder) -> Result<Order, Failure> {
        Ok(Order)
    }
    fn helper(&self) {}
}
const _: () = {
    #[cfg(unix)]
    #[allow(unused_imports)]
    use event_handler as _;
    #[cfg(unix)]
    #[cfg(feature = "refunds")]
    #[allow(unused_imports)]
    use event_handler as _;
    #[cfg(unix)]
    #[allow(unused_imports)]
    use command as _;
    #[cfg(unix)]
    #[allow(unused_imports)]
    use query as _;
};
#[cfg(unix)]
#[allow(non_camel_case_types, private_interfaces)]
pub(crate) struct __comms_Billing_on_order_placed<T = (Billing, OrderPlaced, (Mailer,))>(
    ::core::marker::PhantomData<fn() -> T>,
);
#[cfg(unix)]
impl ::comms::handler::EventHandler for __comms_Billing_on_order_placed {
    type Service = Billing;
    type Event = OrderPlaced;
    type Args = (Mailer,);
    const DECL: ::comms::handler::HandlerDecl = ::comms::handler::HandlerDecl::new(
            "on_order_placed",
            ::comms::__here!(),
        )
        .group("g")
        .retry(
            ::comms::handler::RetryDecl::DEFAULT
                .max(5)
                .immediate(2)
                .backoff(
                    ::core::time::Duration::from_millis(100),
                    ::core::time::Duration::from_millis(30000),
                ),
        )
        .timeout(::core::time::Duration::from_millis(5000))
        .doc("Issues the invoice.");
    const PUBLISHES: ::comms::__private::Events = ::comms::__published!(InvoiceIssued);
    fn inject(scope: &::comms::inject::Scope) -> ::comms::__private::Found<Self::Args> {
        use ::comms::__private::inject::via::*;
        ::core::result::Result::Ok((
            (&&::comms::__private::inject::Probe::<Mailer>::new()).inject(scope)?,
        ))
    }
    async fn call(
        service: &Self::Service,
        message: Self::Event,
        (arg0,): Self::Args,
    ) -> ::comms::handler::Outcome {
        ::comms::__outcome!(Billing::on_order_placed(service, message, arg0). await)
    }
}
#[cfg(unix)]
::comms::__listed!(
    "Billing::on_order_placed", assert_output:: < Result < (), BillingError > >
);
#[cfg(unix)]
#[cfg(feature = "refunds")]
#[allow(non_camel_case_types, private_interfaces)]
pub(crate) struct __comms_Billing_on_refunded<T = (Billing, Refunded, ())>(
    ::core::marker::PhantomData<fn() -> T>,
);
#[cfg(unix)]
#[cfg(feature = "refunds")]
impl ::comms::handler::EventHandler for __comms_Billing_on_refunded {
    type Service = Billing;
    type Event = Refunded;
    type Args = ();
    const DECL: ::comms::handler::HandlerDecl = ::comms::handler::HandlerDecl::new(
        "on_refunded",
        ::comms::__here!(),
    );
    fn inject(_: &::comms::inject::Scope) -> ::comms::__private::Found<Self::Args> {
        ::core::result::Result::Ok(())
    }
    async fn call(
        service: &Self::Service,
        message: Self::Event,
        (): Self::Args,
    ) -> ::comms::handler::Outcome {
        ::comms::__outcome!(Billing::on_refunded(service, message,). await)
    }
}
#[cfg(unix)]
#[cfg(feature = "refunds")]
::comms::__listed!("Billing::on_refunded");
#[cfg(unix)]
#[allow(non_camel_case_types, private_interfaces)]
pub(crate) struct __comms_Billing_place<T = (Billing, PlaceOrder, ())>(
    ::core::marker::PhantomData<fn() -> T>,
);
#[cfg(unix)]
impl ::comms::handler::RequestHandler for __comms_Billing_place {
    type Service = Billing;
    type Request = PlaceOrder;
    type Args = ();
    const DECL: ::comms::handler::HandlerDecl = ::comms::handler::HandlerDecl::new(
            "place",
            ::comms::__here!(),
        )
        .timeout(limits::TIMEOUT);
    fn inject(_: &::comms::inject::Scope) -> ::comms::__private::Found<Self::Args> {
        ::core::result::Result::Ok(())
    }
    async fn call(
        service: &Self::Service,
        message: Self::Request,
        (): Self::Args,
    ) -> ::comms::__private::Answered<Self::Request> {
        <Self::Request as ::comms::__private::Answers>::answer(
            Billing::place(service, message).await,
        )
    }
}
#[cfg(unix)]
::comms::__listed!("Billing::place", assert_command:: < PlaceOrder >);
#[cfg(unix)]
#[allow(non_camel_case_types, private_interfaces)]
pub(crate) struct __comms_Billing_get<T = (Billing, GetOrder, ())>(
    ::core::marker::PhantomData<fn() -> T>,
);
#[cfg(unix)]
impl ::comms::handler::RequestHandler for __comms_Billing_get {
    type Service = Billing;
    type Request = GetOrder;
    type Args = ();
    const DECL: ::comms::handler::HandlerDecl = ::comms::handler::HandlerDecl::new(
        "get",
        ::comms::__here!(),
    );
    fn inject(_: &::comms::inject::Scope) -> ::comms::__private::Found<Self::Args> {
        ::core::result::Result::Ok(())
    }
    async fn call(
        service: &Self::Service,
        message: Self::Request,
        (): Self::Args,
    ) -> ::comms::__private::Answered<Self::Request> {
        <Self::Request as ::comms::__private::Answers>::answer(
            Billing::get(service, message).await,
        )
    }
}
#[cfg(unix)]
::comms::__listed!("Billing::get", assert_query:: < GetOrder >);
