use comms::service;

struct Billing;

#[service]
impl Clone for Billing {
    fn clone(&self) -> Self {
        Self
    }
}

fn main() {}
