//! Durations in names.

use std::time::Duration;

/// A rung of the ladder as it stands in a queue's name: `1500ms`, `5s`, `15m`, `1h`.
pub(super) fn duration_name(duration: Duration) -> String {
    let ms = duration.as_millis();
    match (ms % 3_600_000, ms % 60_000, ms % 1000) {
        (0, _, _) => format!("{}h", ms / 3_600_000),
        (_, 0, _) => format!("{}m", ms / 60_000),
        (_, _, 0) => format!("{}s", ms / 1000),
        _ => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_is_named_by_its_largest_whole_unit() {
        let names = [100, 1000, 1500, 60_000, 90_000, 3_600_000].map(|ms| duration_name(Duration::from_millis(ms)));
        assert_eq!(names, ["100ms", "1s", "1500ms", "1m", "90s", "1h"]);
    }
}
