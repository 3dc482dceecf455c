use super::*;

fn running() -> Health {
    let health = Health::new();
    health.enter(Phase::Running);
    health
}

#[test]
fn a_process_is_ready_only_while_it_runs() {
    let health = Health::new();
    assert!(health.report().live && !health.report().ready);
    health.enter(Phase::Running);
    assert!(health.report().ready);
    health.enter(Phase::Stopping);
    assert!(health.report().live && !health.report().ready);
}

#[test]
fn what_is_down_counts_as_far_as_it_matters() {
    let health = running();
    health.component("cache", Matters::Nothing).down("gone");
    assert!(health.report().ready);
    health.component("broker default", Matters::Readiness).degraded("reconnecting");
    assert!(health.report().ready);
    health.component("broker default", Matters::Readiness).down("refused");
    assert!(health.report().live && !health.report().ready);
    health.component("event loop", Matters::Liveness).down("stuck");
    assert!(!health.report().live);
}

#[cfg(feature = "grpc")]
#[test]
fn whoever_waits_hears_of_every_change_and_of_nothing_else() {
    let health = Health::new();
    let mut changes = health.changes();
    let mut changed = || {
        changes.has_changed().unwrap() && {
            changes.mark_unchanged();
            true
        }
    };
    health.enter(Phase::Running);
    assert!(changed() && !changed());
    let broker = health.component("broker default", Matters::Readiness);
    broker.down("refused");
    assert!(changed());
    broker.down("refused again");
    broker.clone().down("and again");
    assert!(!changed());
    broker.up();
    assert!(changed());
    let (up, asked) = (Arc::new(std::sync::atomic::AtomicBool::new(true)), std::sync::atomic::Ordering::SeqCst);
    assert!(!health.has_silent());
    let look = Arc::clone(&up);
    health.probe(
        "cache",
        Matters::Nothing,
        true,
        move || {
            if look.load(asked) { State::Up } else { State::Down { reason: "gone".to_owned() } }
        },
    );
    assert!(health.has_silent());
    let _ = health.report();
    assert!(!changed());
    up.store(false, asked);
    let _ = health.report();
    assert!(changed());
}

#[test]
fn the_report_is_plain_json() {
    let health = running();
    let broker = health.component("broker default", Matters::Readiness);
    broker.down("refused");
    let first = health.report().components["broker default"].since;
    broker.down("refused again");
    let report = serde_json::to_value(health.report()).unwrap();
    let component = &report["components"]["broker default"];
    assert_eq!((&report["ready"], &report["phase"]), (&false.into(), &"running".into()));
    assert_eq!(
        (&component["state"], &component["reason"], &component["matters"]),
        (&"down".into(), &"refused again".into(), &"readiness".into())
    );
    assert_eq!(component["since"], serde_json::to_value(first).unwrap());
}

#[cfg(feature = "grpc")]
#[tokio::test]
async fn a_silent_component_that_tells_of_its_changes_is_asked_at_each_of_them() {
    use crate::broker::Broker as _;
    let (health, memory) = (running(), crate::broker::memory::Memory::new());
    let (told, asked) = (memory.clone(), memory.clone());
    let look = move || {
        if asked.state() == crate::broker::ConnectionState::Closed { State::Down { reason: "closed".to_owned() } } else { State::Up }
    };
    health.probe_told("broker default", Matters::Readiness, move || told.state_changed(), look);
    assert!(health.has_silent() && health.report().ready);
    let change = health.silent_change();
    memory.close().await;
    change.await;
    assert!(!health.report().ready);
}
