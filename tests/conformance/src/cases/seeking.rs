//! Making a group read on elsewhere. A broker that keeps nothing that was settled refuses, and says why.

use comms::broker::{Admin, BrokerError, BrokerErrorKind, Position, Subscription};
use jiff::Timestamp;
use tokio::time::{Duration, Instant, sleep};

use crate::world::assert_kind;
use crate::{Backend, World};

/// Whether the broker can do it at all; that it says so otherwise.
async fn can_seek(world: &World, subscription: &Subscription) -> bool {
    if world.broker.capabilities().replayable {
        return true;
    }
    drop(world.join(subscription).await);
    for position in [Position::Beginning, Position::End, Position::Time(Timestamp::now())] {
        let error = world.broker.admin().seek(subscription, &position).await.expect_err("it is not replayable");
        assert_kind(&error, BrokerErrorKind::Unsupported);
    }
    false
}

/// Moves the group. A member that has just left may still be known to the broker for a while.
async fn seek(world: &World, subscription: &Subscription, position: Position) {
    let began = Instant::now();
    while let Err(error) = world.broker.admin().seek(subscription, &position).await {
        assert!(began.elapsed() < world.backend.patience(), "the group could not be moved to {position}: {error:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Has a member on a connection of its own handle so many messages, and leave.
async fn handled(world: &World, subscription: &Subscription, count: usize) -> Vec<String> {
    let other = world.connect().await;
    let mut member = world.join_by(&other, subscription).await;
    let texts = member.handle(count).await;
    drop(member);
    other.close().await;
    texts
}

/// What was settled before comes again, in its order, to this group alone.
pub async fn a_group_that_goes_to_the_beginning_gets_everything_again<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    if !can_seek(&world, &subscription).await {
        return;
    }
    let mut audit = world.join(&world.subscription("orders", "audit")).await;
    drop(world.join(&subscription).await);
    world.publish_texts("orders", &["1", "2", "3"]).await;
    assert_eq!(handled(&world, &subscription, 3).await, ["1", "2", "3"]);
    seek(&world, &subscription, Position::Beginning).await;
    assert_eq!(world.lag_where(&subscription, "3 waiting", |lag| lag.waiting == 3).await.unsettled, 0);
    assert_eq!(handled(&world, &subscription, 3).await, ["1", "2", "3"]);
    world.nothing_behind(&subscription).await;
    audit.handle(3).await;
    audit.nothing().await;
}

/// Neither what waits, nor what a member held when it went.
pub async fn a_group_that_goes_to_the_end_gets_only_what_is_new<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    if !can_seek(&world, &subscription).await {
        return;
    }
    let other = world.connect().await;
    let mut member = world.join_by(&other, &subscription).await;
    world.publish_texts("orders", &["1", "2", "3"]).await;
    let held = member.next().await;
    drop((held, member));
    other.close().await;
    seek(&world, &subscription, Position::End).await;
    world.nothing_behind(&subscription).await;
    world.publish_texts("orders", &["4"]).await;
    let mut member = world.join(&subscription).await;
    assert_eq!(member.handle(1).await, ["4"]);
    member.nothing().await;
}

/// An operator knows when it went wrong.
pub async fn a_group_that_goes_to_a_time_gets_what_was_published_since<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    if !can_seek(&world, &subscription).await {
        return;
    }
    drop(world.join(&subscription).await);
    world.publish_texts("orders", &["1", "2"]).await;
    let time = a_later_millisecond().await;
    world.publish_texts("orders", &["3", "4"]).await;
    assert_eq!(handled(&world, &subscription, 4).await, ["1", "2", "3", "4"]);
    seek(&world, &subscription, Position::Time(time)).await;
    assert_eq!(handled(&world, &subscription, 2).await, ["3", "4"]);
    world.nothing_behind(&subscription).await;
}

/// A time with nothing published at it: brokers count milliseconds.
async fn a_later_millisecond() -> Timestamp {
    let now = Timestamp::now().as_millisecond();
    while Timestamp::now().as_millisecond() < now + 3 {
        sleep(Duration::from_millis(1)).await;
    }
    Timestamp::from_millisecond(now + 2).expect("a time of today")
}

/// Each key's messages come again one after another.
pub async fn an_ordered_group_that_goes_back_keeps_its_order<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.ordered("orders", "sorted", 4);
    if !can_seek(&world, &subscription).await {
        return;
    }
    drop(world.join(&subscription).await);
    for n in 0..12 {
        world.publish(world.keyed("orders", ["a", "b", "c"][n % 3], &format!("{n:02}"))).await;
    }
    handled(&world, &subscription, 12).await;
    seek(&world, &subscription, Position::Beginning).await;
    let again = handled(&world, &subscription, 12).await;
    for key in 0..3 {
        let of_key: Vec<usize> = again.iter().filter_map(|text| text.parse().ok()).filter(|n| n % 3 == key).collect();
        assert_eq!(of_key, [key, key + 3, key + 6, key + 9], "{again:?}");
    }
}

/// Its own place would overwrite the new one.
pub async fn a_group_with_a_member_is_not_moved<B: Backend>() {
    let world = World::new::<B>().await;
    let subscription = world.subscription("orders", "billing");
    if !can_seek(&world, &subscription).await {
        return;
    }
    let other = world.connect().await;
    let mut member = world.join_by(&other, &subscription).await;
    world.publish_texts("orders", &["1", "2"]).await;
    assert_eq!(member.handle(1).await, ["1"]);
    for position in [Position::Beginning, Position::End] {
        let error: BrokerError = world.broker.admin().seek(&subscription, &position).await.expect_err("a member is connected");
        assert!(error.to_string().contains(&subscription.group), "{error}");
    }
    assert_eq!(member.handle(1).await, ["2"]);
    world.publish_texts("orders", &["3"]).await;
    assert_eq!(member.handle(1).await, ["3"]);
    member.nothing().await;
}

/// A typing error must not make a group.
pub async fn moving_a_group_that_does_not_exist_is_an_error_that_names_it<B: Backend>() {
    let world = World::new::<B>().await;
    if !can_seek(&world, &world.subscription("orders", "billing")).await {
        return;
    }
    let unknown = world.subscription("orders", "biling");
    let admin: &dyn Admin = world.broker.admin();
    let error = admin.seek(&unknown, &Position::Beginning).await.expect_err("there is no such group");
    assert!(error.to_string().contains(&unknown.group), "{error}");
    assert!(admin.lag(&unknown).await.is_err(), "it was not made");
}
