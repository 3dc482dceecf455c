//! Running one case.

use std::future::Future;
use std::time::Duration;

/// Longer than any case takes on a slow machine, servers' restarts included.
const LIMIT: Duration = Duration::from_secs(400);

/// Runs a case on a runtime of its own.
pub fn run(name: &str, case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        if tokio::time::timeout(LIMIT, case).await.is_err() {
            panic!("`{name}` did not end within {LIMIT:?}");
        }
    });
    // A case leaves no work behind that a test should wait for.
    runtime.shutdown_background();
}
