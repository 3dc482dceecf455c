//! Rust for the `.proto` file twice: with comms, and with tonic's own generator.

fn main() {
    const FILE: &str = "proto/bench/orders/v1/orders.proto";
    comms_build::configure().proto(FILE).include("proto").run();

    let raw = std::path::PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("raw");
    std::fs::create_dir_all(&raw).expect("a folder");
    let files = protox::compile([FILE], ["proto"]).expect("it compiles");
    tonic_prost_build::configure().out_dir(raw).compile_fds(files).expect("it generates");
}
