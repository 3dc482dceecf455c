#[comms::client(http = "https://inventory", retry(max = 3))]
struct Inventory;

fn main() {
    let _ = Inventory;
}
