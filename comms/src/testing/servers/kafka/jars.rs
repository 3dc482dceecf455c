//! Where the broker's jars are.

use std::path::{Path, PathBuf};

use crate::testing::servers::ServerError;

const INSTALL: &str = "`tests/servers/install-kafka` fetches it with Maven and prints the directory; COMMS_TEST_KAFKA may name another one";

/// The directory of the jars.
pub(super) fn find() -> Result<PathBuf, ServerError> {
    let named = std::env::var_os("COMMS_TEST_KAFKA").map(PathBuf::from);
    let cache = cache();
    let found =
        named.iter().filter(|directory| holds_broker(directory)).cloned().chain(cache.iter().flat_map(|cache| newest(cache))).next();
    found.ok_or_else(|| ServerError::NotInstalled {
        program: "Apache Kafka (kafka_2.13-*.jar)",
        looked_in: named.into_iter().chain(cache).collect(),
        install: INSTALL,
    })
}

/// Where the script keeps what it fetched.
fn cache() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    Some(base.join("comms"))
}

fn newest(cache: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(cache).ok()?.flatten().map(|entry| entry.path());
    let is_whole = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("kafka-")) && path.join("complete").exists()
    };
    entries.filter(is_whole).filter(|path| holds_broker(path)).max()
}

fn holds_broker(directory: &Path) -> bool {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with("kafka_2.13-"))
}
