use std::time::Duration;

use super::*;
use crate::broker::memory::Memory;
use crate::message::{Id, Metadata};

/// A request whose reply failed is delivered again; what nobody waits for would come again and again.
#[tokio::test]
async fn a_reply_fails_only_while_somebody_waits_for_it() {
    let memory = Memory::new();
    memory.close().await;
    let reply = |deadline| {
        let mut metadata = Metadata::foreign(Id::new());
        metadata.deadline = deadline;
        publish(&memory, Envelope::new("replies".into(), metadata, "{}".into()))
    };
    let now = Timestamp::now();
    assert!(reply(Some(now - Duration::from_millis(1))).await.is_ok(), "its caller has gone");
    assert!(reply(Some(now + Duration::from_secs(60))).await.is_err(), "its caller waits");
    assert!(reply(None).await.is_err(), "its caller waits");
}
