//! Commands whose handler is in another application.

use comms::{CallError, CommandBus};

use crate::parts::{Refusal, Transfer, bank};
use crate::world::World;

/// The reply, and the handler's own error as its type.
pub async fn the_answer_of_a_remote_handler_reaches_the_caller_as_its_type(world: &World) {
    let _bank = world.start(bank()).await;
    let customer = world.stranger().await;
    let bus: CommandBus = customer.app.inject().expect("an application has its buses");
    assert_eq!(bus.send(Transfer { cents: 5 }).await.expect("moved"), "moved 5");
    let refused = bus.send(Transfer { cents: 8 }).await.expect_err("too much");
    assert_eq!(refused.refused(), Some(Refusal { available: 7 }));
}

/// Each of many callers gets its own.
pub async fn a_hundred_callers_get_their_own_replies(world: &World) {
    let _bank = world.start(bank()).await;
    let customer = world.stranger().await;
    let bus: CommandBus = customer.app.inject().expect("an application has its buses");
    let calls = (0..100_u64).map(|n| {
        let bus = bus.clone();
        async move { bus.send(Transfer { cents: n % 8 }).await.expect("moved") }
    });
    let replies = futures_util::future::join_all(calls).await;
    assert_eq!(replies, (0..100).map(|n| format!("moved {}", n % 8)).collect::<Vec<_>>());
}

/// And not only once the time is over, where the broker knows at once; elsewhere then.
pub async fn a_caller_is_told_when_nobody_is_there(world: &World) {
    let customer = world.stranger().await;
    let bus: CommandBus = customer.app.inject().expect("an application has its buses");
    let error = bus.send(Transfer { cents: 1 }).await.expect_err("nobody is there");
    if customer.broker().capabilities().reports_unrouted {
        assert!(matches!(error, CallError::NoHandler { owner: "bank", .. }), "{error:?}");
    } else {
        assert!(matches!(error, CallError::Deadline { .. }), "{error:?}");
    }
}
