pub(crate) async fn invoices(pool: Pool) -> Result<Invoices, sqlx::Error> {
    Invoices::open(pool).await
}
#[allow(non_camel_case_types, private_interfaces)]
pub(crate) struct __comms_invoices<T = (Invoices, (Pool,))>(
    ::core::marker::PhantomData<fn() -> T>,
);
impl ::comms::inject::Provider for __comms_invoices {
    type Value = Invoices;
    type Args = (Pool,);
    const DECL: ::comms::inject::ProviderDecl = ::comms::inject::ProviderDecl::new(
        "invoices",
        ::comms::__here!(),
    );
    fn inject(scope: &::comms::inject::Scope) -> ::comms::__private::Found<Self::Args> {
        use ::comms::__private::inject::via::*;
        ::core::result::Result::Ok((
            (&&::comms::__private::inject::Probe::<Pool>::new()).inject(scope)?,
        ))
    }
    async fn provide((arg0,): Self::Args) -> ::comms::__private::Provided<Self::Value> {
        ::comms::__private::provided(invoices(arg0).await)
    }
}
::comms::__listed!("invoices");
