//! Files for TLS, which options of a URL name.

use std::path::Path;

use super::BrokerError;
use super::url::config_error;

/// The file's content; off the threads of the runtime, since disks may be far.
pub(super) async fn read(broker: &str, option: &str, path: &Path) -> Result<Vec<u8>, BrokerError> {
    let owned = path.to_owned();
    let content = match tokio::task::spawn_blocking(move || std::fs::read(owned)).await {
        Ok(content) => content,
        Err(failed) => Err(std::io::Error::other(failed)),
    };
    content.map_err(|error| {
        config_error(format!("could not read {}, given as the option `{option}` of the {broker} URL", path.display())).with_source(error)
    })
}
