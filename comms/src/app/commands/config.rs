//! `config`: every value, and where it was set.

use serde_json::json;

use super::Report;
use super::report::columns;
use crate::config::Config;

pub(super) fn config(config: &Config) -> Report {
    let settings = config.effective();
    let rows: Vec<[String; 2]> =
        settings.iter().map(|setting| [format!("{} = {}", setting.path, setting.value), format!("# {}", setting.origin)]).collect();
    Report::new(columns(&rows), json!({ "settings": settings }))
}
