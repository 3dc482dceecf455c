use comms::get;

#[get("/orders")]
async fn list(#[query] page: u32) {
    let _ = page;
}

fn main() {}
