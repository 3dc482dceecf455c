//! `grpc.health.v1`: what components tell of themselves, for those who watch.

use comms::grpc::prost::Message;
use comms::grpc::tonic::client::Grpc;
use comms::grpc::tonic::{Request, Streaming};
use comms::health::{Health, Matters};
use comms_grpc_tests::serving::PATIENCE;
use comms_grpc_tests::whole::{Whole, channel_to};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, Message)]
#[prost(prost_path = "comms::grpc::prost")]
struct Asked {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, Message)]
#[prost(prost_path = "comms::grpc::prost")]
struct Told {
    #[prost(int32, tag = "1")]
    status: i32,
}

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

async fn watch(whole: &Whole, service: &str) -> Streaming<Told> {
    let mut grpc = Grpc::new(channel_to(whole.address()));
    grpc.ready().await.unwrap();
    let path = "/grpc.health.v1.Health/Watch".parse().unwrap();
    let asked = Request::new(Asked { service: service.to_owned() });
    grpc.server_streaming(asked, path, ProstCodec::<Asked, Told>::new()).await.unwrap().into_inner()
}

#[tokio::test]
async fn all_who_watch_are_told_of_every_change() {
    let whole = Whole::start("").await;
    let health: Health = whole.app.inject().unwrap();
    let (cache, own) = (health.component("cache", Matters::Readiness), health.component("inventory", Matters::Nothing));
    let mut process = [watch(&whole, "").await, watch(&whole, "").await];
    let mut service = watch(&whole, "shop.inventory.v1.Inventory").await;
    let next = async |told: &mut Streaming<Told>| {
        let next = tokio::time::timeout(PATIENCE, told.message()).await.expect("a change is told");
        next.unwrap().expect("the watch goes on").status
    };
    for told in process.iter_mut().chain([&mut service]) {
        assert_eq!(next(told).await, SERVING);
    }
    for _ in 0..3 {
        cache.down("gone");
        for told in process.iter_mut().chain([&mut service]) {
            assert_eq!(next(told).await, NOT_SERVING);
        }
        cache.up();
        for told in process.iter_mut().chain([&mut service]) {
            assert_eq!(next(told).await, SERVING);
        }
    }
    // This one matters to its service alone.
    own.down("moved");
    assert_eq!(next(&mut service).await, NOT_SERVING);
    own.up();
    assert_eq!(next(&mut service).await, SERVING);
    cache.down("gone");
    for told in &mut process {
        assert_eq!(next(told).await, NOT_SERVING, "nothing came in between");
    }
}
