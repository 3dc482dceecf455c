use comms::command;

#[derive(Debug, comms::__private::serde::Serialize, comms::__private::serde::Deserialize)]
#[serde(crate = "comms::__private::serde")]
struct Refused;

#[command(name = "orders.place", version = 1, owner = "orders", error = Refused)]
struct Place;

fn main() {}
