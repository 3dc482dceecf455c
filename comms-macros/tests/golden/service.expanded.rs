/// Issues invoices.
pub struct Billing {
    events: Publisher<InvoiceIssued>,
    invoices: Invoices,
}
impl ::comms::Service for Billing {
    const DECL: ::comms::handler::ServiceDecl = ::comms::handler::ServiceDecl::new(
            "billing",
            "1.2.0",
            ::comms::__here!(),
        )
        .tags(&["x", "y"])
        .subscriptions(
            &[
                ::comms::handler::SubscriptionDecl::new("orders")
                    .group("g")
                    .concurrency(16)
                    .ordered(
                        ::comms::handler::DEFAULT_SHARDS,
                        ::comms::handler::AfterDeadLetter::ParkKey,
                    )
                    .dedup(::core::time::Duration::from_millis(600000)),
                ::comms::handler::SubscriptionDecl::new("shop.#"),
            ],
        )
        .doc("Issues invoices.");
    const PUBLISHES: ::comms::__private::Events = ::comms::__published!(InvoiceIssued);
    type Dependencies = (Publisher<InvoiceIssued>, Invoices);
    fn build(scope: &::comms::inject::Scope) -> ::comms::__private::Found<Self> {
        use ::comms::__private::inject::via::*;
        ::core::result::Result::Ok(Self {
            events: (&&::comms::__private::inject::Probe::<
                Publisher<InvoiceIssued>,
            >::new())
                .inject(scope)?,
            invoices: (&&::comms::__private::inject::Probe::<Invoices>::new())
                .inject(scope)?,
        })
    }
}
::comms::__listed!("Billing");
