pub struct Billing {
    invoices: Invoices,
    #[cfg(feature = "mail")]
    mailer: Mailer,
}
impl ::comms::Service for Billing {
    const DECL: ::comms::handler::ServiceDecl = ::comms::handler::ServiceDecl::new(
        "billing",
        "1.2.0",
        ::comms::__here!(),
    );
    #[cfg(feature = "mail")]
    type Dependencies = (Invoices, Mailer);
    #[cfg(not(feature = "mail"))]
    type Dependencies = (Invoices,);
    fn build(scope: &::comms::inject::Scope) -> ::comms::__private::Found<Self> {
        use ::comms::__private::inject::via::*;
        ::core::result::Result::Ok(Self {
            invoices: (&&::comms::__private::inject::Probe::<Invoices>::new())
                .inject(scope)?,
            #[cfg(feature = "mail")]
            mailer: (&&::comms::__private::inject::Probe::<Mailer>::new()).inject(scope)?,
        })
    }
}
::comms::__listed!("Billing");
