use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::app::health::Matters;
use crate::broker::Broker as _;
use crate::broker::memory::Memory;
use crate::publisher::Brokers;

fn registry(health: &Health) -> Arc<Registry> {
    Arc::new(Registry { health: health.clone(), services: Vec::new(), looking: Mutex::default() })
}

/// Somebody who watches.
fn watching(registry: &Arc<Registry>) -> tokio::task::JoinHandle<()> {
    let registry = Arc::clone(registry);
    tokio::spawn(async move { match registry.look().await {} })
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_lost_is_told_of_at_once() {
    let (health, memory) = (Health::new(), Memory::new());
    let brokers = Brokers::new([("default".to_owned(), Arc::new(memory.clone()) as _)].into());
    crate::app::vitals::probe(&health, &brokers, Vec::new());
    let (mut changes, watching) = (health.changes(), watching(&registry(&health)));
    tokio::task::yield_now().await;
    let begun = tokio::time::Instant::now();
    memory.close().await;
    changes.changed().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    watching.abort();
}

#[tokio::test(start_paused = true)]
async fn who_can_not_tell_is_asked_now_and_then() {
    let (health, asked) = (Health::new(), Arc::new(AtomicUsize::new(0)));
    let look = Arc::clone(&asked);
    health.probe("elsewhere", Matters::Nothing, true, move || {
        look.fetch_add(1, Ordering::SeqCst);
        State::Up
    });
    let watching = watching(&registry(&health));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let times = asked.load(Ordering::SeqCst);
    assert!((10..=13).contains(&times), "{times}");
    watching.abort();
}
