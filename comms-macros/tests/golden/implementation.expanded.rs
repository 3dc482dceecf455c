#[cfg(unix)]
impl v1::Payments for Bank {
    async fn charge(&self, charge: NewCharge) -> Result<Charge, PaymentError> {
        self.charge_one(charge).await
    }
}
#[cfg(unix)]
#[allow(non_camel_case_types, private_interfaces)]
pub(crate) struct __comms_Bank_v1_Payments<T = (Bank,)>(
    ::core::marker::PhantomData<fn() -> T>,
);
#[cfg(unix)]
impl ::comms::contract::Implementation for __comms_Bank_v1_Payments {
    type Service = Bank;
    fn register(app: ::comms::AppBuilder) -> ::comms::AppBuilder {
        #[allow(unused_imports)]
        use ::comms::__private::registered::AnyTrait as _;
        fn register<__S: v1::Payments + ::comms::Service>(
            app: ::comms::AppBuilder,
        ) -> ::comms::AppBuilder {
            ::comms::__private::registered::registered(__S::__comms_register(app))
        }
        register::<Bank>(app)
    }
}
#[cfg(unix)]
::comms::__listed!("Bank::v1::Payments");
