#[client(http = contracts::Rates)]
#[derive(Clone, Debug)]
pub struct Rates;
