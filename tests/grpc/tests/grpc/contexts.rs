//! Correlation, trace and deadline, from the caller's context into the handler's.

use comms::Context;
use comms::message::{Id, TraceParent};
use comms_grpc_tests::serving::Serving;
use jiff::{SignedDuration, Timestamp};

use super::reserve;

#[tokio::test]
async fn the_handler_works_in_the_context_of_its_caller() {
    let client = Serving::start();
    let client = client.client();
    let (trace, deadline) = (TraceParent::root(), Timestamp::now() + SignedDuration::from_secs(20));
    let context = Context::default().with_correlation(Id::parse("order/17")).with_trace(trace).with_deadline(deadline);
    let seen = context.scope(client.reserve(reserve("chair", 1))).await.unwrap().context;
    assert_eq!(seen["correlation"], "order/17");
    assert_eq!(seen["trace"], format!("{:032x}", trace.trace_id()));
    let told: Timestamp = seen["deadline"].parse().unwrap();
    let apart = told.duration_since(deadline).abs();
    assert!(apart < SignedDuration::from_secs(5), "{told} instead of {deadline}");
}

#[tokio::test]
async fn a_call_out_of_nowhere_begins_a_conversation_and_a_trace() {
    let serving = Serving::start();
    let client = serving.client();
    let one = client.reserve(reserve("chair", 1)).await.unwrap().context;
    let other = client.reserve(reserve("chair", 1)).await.unwrap().context;
    assert_ne!(one["correlation"], other["correlation"]);
    assert_ne!(one["trace"], other["trace"]);
}
