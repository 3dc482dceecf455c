//! Small readers of text for the URLs of brokers.

use std::time::Duration;

/// `250ms`, `5s`, `1m`, `2h`: a whole number and its unit.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_number(text)?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

/// `100`, `100B`, `64KiB`, `16MiB`, `1GiB`.
pub(super) fn parse_size(text: &str) -> Option<usize> {
    let (number, unit) = split_number(text)?;
    let factor = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    usize::try_from(number.checked_mul(factor)?).ok()
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit))
}

/// Undoes percent-encoding; `None` for a broken escape or what is no UTF-8.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let value = digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The candidate that is at most a third of its letters away.
pub(super) fn closest<'a>(text: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let (distance, best) = candidates.iter().map(|&candidate| (edit_distance(text, candidate), candidate)).min()?;
    (distance * 3 <= best.len().max(3)).then_some(best)
}

fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(any(feature = "kafka", feature = "rabbitmq"))]
/// A rung of the ladder as it stands in a name: `1500ms`, `5s`, `15m`, `1h`.
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
    fn only_what_is_close_is_suggested() {
        assert_eq!(closest("windw", &["window", "queue"]), Some("window"));
        assert_eq!(closest("zebra", &["window", "queue"]), None);
    }

    #[test]
    fn broken_escapes_and_foreign_units_are_refused() {
        assert_eq!(percent_decode("a%2fb%C3%BC").as_deref(), Some("a/bü"));
        for broken in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(percent_decode(broken), None, "{broken}");
        }
        assert_eq!((parse_duration("5"), parse_duration("-5s"), parse_size("1MB"), parse_size("")), (None, None, None, None));
    }

    #[cfg(any(feature = "kafka", feature = "rabbitmq"))]
    #[test]
    fn a_rung_is_named_by_its_largest_whole_unit() {
        let names = [100, 1000, 1500, 60_000, 90_000, 3_600_000].map(|ms| duration_name(Duration::from_millis(ms)));
        assert_eq!(names, ["100ms", "1s", "1500ms", "1m", "90s", "1h"]);
    }
}
