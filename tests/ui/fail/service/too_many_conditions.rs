use comms::service;

#[service(name = "billing", version = "1.0.0")]
struct Billing {
    #[cfg(feature = "a")]
    a: u8,
    #[cfg(feature = "b")]
    b: u8,
    #[cfg(feature = "c")]
    c: u8,
    #[cfg(feature = "d")]
    d: u8,
    #[cfg(feature = "e")]
    e: u8,
}

fn main() {}
