#[derive(Clone, Debug)]
pub struct Rates(contracts::RatesClient);
impl ::core::ops::Deref for Rates {
    type Target = contracts::RatesClient;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
impl ::comms::client::Client for Rates {
    const DECL: ::comms::client::ClientDecl = ::comms::client::ClientDecl::new(
        "rates",
        ::comms::client::ClientKind::Http,
        <contracts::RatesClient as ::comms::client::Client>::DECL.contract,
        ::comms::__here!(),
    );
    fn over(
        channel: ::comms::client::Channel,
        settings: ::comms::client::Settings,
    ) -> Self {
        Self(
            <contracts::RatesClient as ::comms::client::Client>::over(channel, settings),
        )
    }
}
::comms::__listed!("Rates");
