#[cfg(unix)]
#[derive(::core::clone::Clone)]
/// Calls the payments.
#[cfg(unix)]
#[derive(Debug)]
pub struct PaymentApi(contracts::PaymentsClient);
#[cfg(unix)]
impl ::core::ops::Deref for PaymentApi {
    type Target = contracts::PaymentsClient;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
#[cfg(unix)]
impl ::comms::client::Client for PaymentApi {
    const DECL: ::comms::client::ClientDecl = ::comms::client::ClientDecl::new(
            "payment-api",
            ::comms::client::ClientKind::Http,
            <contracts::PaymentsClient as ::comms::client::Client>::DECL.contract,
            ::comms::__here!(),
        )
        .timeout(LONG)
        .doc("Calls the payments.");
    fn over(
        channel: ::comms::client::Channel,
        settings: ::comms::client::Settings,
    ) -> Self {
        Self(
            <contracts::PaymentsClient as ::comms::client::Client>::over(
                channel,
                settings,
            ),
        )
    }
}
#[cfg(unix)]
::comms::__listed!("PaymentApi");
