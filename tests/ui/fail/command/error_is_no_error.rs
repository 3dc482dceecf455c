use comms::command;

#[derive(Debug)]
struct Refused;

#[command(name = "orders.place", version = 1, owner = "orders", error = Refused)]
struct Place;

fn main() {}
