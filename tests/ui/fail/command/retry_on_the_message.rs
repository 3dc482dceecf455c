use comms::command;

#[command(name = "orders.place", version = 1, owner = "orders", retry(max = 3))]
struct Place;

fn main() {}
