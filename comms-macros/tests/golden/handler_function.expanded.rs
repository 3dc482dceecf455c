pub async fn on_paid(event: Paid, mailer: Mailer) -> anyhow::Result<()> {
    mailer.send(event).await
}
#[doc(hidden)]
#[allow(non_camel_case_types, private_interfaces)]
pub struct __comms_on_paid<T = (::comms::handler::Free, Paid, (Mailer,))>(
    ::core::marker::PhantomData<fn() -> T>,
);
impl ::comms::handler::EventHandler for __comms_on_paid {
    type Service = ::comms::handler::Free;
    type Event = Paid;
    type Args = (Mailer,);
    const DECL: ::comms::handler::HandlerDecl = ::comms::handler::HandlerDecl::new(
            "on_paid",
            ::comms::__here!(),
        )
        .retry(limits::RETRY);
    fn inject(scope: &::comms::inject::Scope) -> ::comms::__private::Found<Self::Args> {
        use ::comms::__private::inject::via::*;
        ::core::result::Result::Ok((
            (&&::comms::__private::inject::Probe::<Mailer>::new()).inject(scope)?,
        ))
    }
    async fn call(
        _: &Self::Service,
        message: Self::Event,
        (arg0,): Self::Args,
    ) -> ::comms::handler::Outcome {
        ::comms::__outcome!(on_paid(message, arg0). await)
    }
}
::comms::__listed!("on_paid", assert_output:: < anyhow::Result < () > >);
