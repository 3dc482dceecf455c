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
        <Bank as v1::Payments>::__comms_register(app)
    }
}
#[cfg(unix)]
::comms::__listed!("Bank::v1::Payments");
