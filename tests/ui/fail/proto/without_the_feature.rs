pub mod proto {
    comms::proto!();
}

fn main() {}
