use comms::get;

struct Shop;

#[get("/orders")]
impl Shop {}

fn main() {}
