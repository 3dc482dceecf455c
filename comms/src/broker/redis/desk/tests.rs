//! How much a member fetches, and what it has to write out.

use bytes::Bytes;

use super::super::pace::COURTESY;
use super::*;
use crate::message::{Id, Metadata};

fn place() -> Place {
    Place { stream: "comms:topic:orders".into(), topic: Some("orders".into()), shard: None }
}

/// Fetches so many and hands them all out.
fn hand_out(desk: &Desk, count: usize) -> Vec<u64> {
    hand_out_of(desk, &place(), count)
}

fn hand_out_of(desk: &Desk, place: &Place, count: usize) -> Vec<u64> {
    let envelope = Arc::new(Envelope::new("orders".into(), Metadata::foreign(Id::new()), Bytes::new()));
    let entry = |number: usize| Entry { id: format!("{number}-0"), envelope: Arc::clone(&envelope), redelivered: 0, provenance: None };
    desk.fetched(place, Shard { index: 0, tenure: 0 }, (0..count).map(entry));
    let mut context = Context::from_waker(std::task::Waker::noop());
    let mut next = || match desk.poll_next(&mut context) {
        Poll::Ready(Some(next)) => next.tag,
        _ => panic!("nothing to hand out"),
    };
    (0..count).map(|_| next()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_slow_member_fetches_what_its_handlers_take_and_no_more() {
    let desk = Desk::new(4, 8, false);
    assert_eq!((desk.demand(), desk.room()), (4, 8));
    let tags = hand_out(&desk, 4);
    assert_eq!((desk.demand(), desk.room()), (0, 4), "the rest would wait here while others may have nothing to do");
    tokio::time::advance(COURTESY).await;
    desk.ack(tags[0]);
    tokio::time::advance(COURTESY).await;
    // One in 50 ms: the handler that became free, and one more that it has begun by then.
    assert_eq!(desk.demand(), 2);
    tokio::time::advance(2 * COURTESY).await;
    assert_eq!(desk.demand(), 1, "nothing was settled of late");
}

#[tokio::test(start_paused = true)]
async fn a_fast_member_fetches_ahead_and_asks_for_many_at_once() {
    let desk = Desk::new(4, 8, false);
    for tag in hand_out(&desk, 4) {
        desk.ack(tag);
    }
    assert_eq!(desk.demand(), 8);
    let mut tags = hand_out(&desk, 8).into_iter();
    assert_eq!(desk.demand(), 0, "the prefetch is the most");
    desk.ack(tags.next().unwrap());
    assert_eq!(desk.demand(), 0, "not for a single one while there is work enough");
    desk.ack(tags.next().unwrap());
    assert_eq!(desk.demand(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_one_place_has_to_write_waits_for_no_other() {
    let desk = Desk::new(4, 8, false);
    let again = Place { stream: "comms:group:billing:again".into(), topic: None, shard: None };
    let (here, there) = (hand_out(&desk, 4), hand_out_of(&desk, &again, 1));
    here[..3].iter().chain(&there).for_each(|&tag| desk.ack(tag));
    desk.release(here[3]);
    let mut unwritten = desk.unwritten(2);
    unwritten.sort_by_key(|(what, place, _)| (*what == Unwritten::Returns, place.topic.is_some()));
    let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let expected = [
        (Unwritten::Acks, again.clone(), ids(&["0-0"])),
        (Unwritten::Acks, place(), ids(&["0-0", "1-0"])),
        (Unwritten::Returns, place(), ids(&["3-0"])),
    ];
    assert_eq!(unwritten, expected);
    for (what, place, ids) in unwritten {
        desk.written(what, &place, ids.len());
    }
    assert_eq!(desk.unwritten(2), [(Unwritten::Acks, place(), ids(&["2-0"]))]);
}
