use comms::service;

#[service]
async fn billing() {}

fn main() {}
