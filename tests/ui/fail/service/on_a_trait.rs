use comms::service;

#[service]
trait Billing {
    async fn bill(&self);
}

fn main() {}
