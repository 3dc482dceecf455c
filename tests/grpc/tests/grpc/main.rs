//! The generated client calls the generated server over a loopback socket.

mod app;
mod bounds;
mod calls;
mod channels;
mod contexts;
mod faults;
mod health;
mod metadata;
mod python;
mod raw;
mod rpcs;
mod secure;
mod shutdown;
mod slow;
mod source;

use comms_grpc_tests::proto::shop::common::v1::Article;
use comms_grpc_tests::proto::shop::inventory::v1::{Delivery, ReserveRequest, WatchRequest};

fn article(sku: &str) -> Option<Article> {
    Some(Article { sku: sku.to_owned() })
}

fn reserve(sku: &str, quantity: u32) -> ReserveRequest {
    ReserveRequest { article: article(sku), quantity }
}

fn watch(sku: &str, count: u32) -> WatchRequest {
    WatchRequest { article: article(sku), count, padding: 0 }
}

fn delivery(sku: &str, quantity: u32) -> Delivery {
    Delivery { article: article(sku), quantity, padding: Vec::new() }
}
