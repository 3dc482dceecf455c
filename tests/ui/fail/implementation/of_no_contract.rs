use comms::service;

#[service(name = "bank", version = "1.0.0")]
struct Bank;

#[service]
impl Clone for Bank {
    fn clone(&self) -> Self {
        Self
    }
}

fn main() {}
