use comms::rpc;

struct Stock;

// The impl has no `#[service]`.
impl Stock {
    #[rpc(timeout = "2s")]
    async fn reserve(&self) -> u32 {
        1
    }
}

#[rpc(timeout = "2s")]
async fn free() -> u32 {
    1
}

#[rpc(timeout = "2s")]
struct Other;

fn main() {}
