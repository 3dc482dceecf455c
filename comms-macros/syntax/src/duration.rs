//! Durations and ranges of durations as texts, by one table of units.

use std::time::Duration;

/// The units, longest name first where one begins another.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

const EXPECTED: &str = "expected whole numbers with a unit `ms`, `s`, `m` or `h`, such as \"250ms\", \"5s\" or \"1m30s\"";

/// Reads `"250ms"`, `"5s"`, `"1m30s"`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let refused = |why: &str| format!("`{text}` is not a duration{why}: {EXPECTED}");
    let mut rest = text;
    let mut total = 0_u64;
    let mut smaller_than = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| refused(""))?;
        let (unit, millis) = UNITS.into_iter().find(|(unit, _)| after.starts_with(unit)).ok_or_else(|| refused(""))?;
        if millis >= smaller_than {
            return Err(refused(" (larger units come first)"));
        }
        smaller_than = millis;
        total = number.checked_mul(millis).and_then(|part| total.checked_add(part)).ok_or_else(|| refused(" that fits 64 bits"))?;
        rest = &after[unit.len()..];
    }
    if total == 0 {
        return Err(refused(" longer than nothing"));
    }
    Ok(Duration::from_millis(total))
}

/// Reads `"100ms..30s"`.
pub(crate) fn parse_range(text: &str) -> Result<(Duration, Duration), String> {
    let expected = "expected the first delay and the longest, such as \"100ms..30s\"";
    let (first, longest) = text.split_once("..").ok_or_else(|| format!("`{text}` is not a range of durations: {expected}"))?;
    let (first, longest) = (parse(first.trim())?, parse(longest.trim())?);
    if first > longest {
        return Err(format!("`{text}` is an empty range: {expected}"));
    }
    Ok((first, longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("2h"), Ok(Duration::from_secs(7200)));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_what_is() {
        for text in ["", "5", "s", "5 s", "5sec", "0s", "1.5s", "-1s", "30s1m", "5s5s", "99999999999999999999h", "9999999999999999h", "é"]
        {
            let error = parse(text).unwrap_err();
            assert!(error.contains("1m30s"), "{text}: {error}");
        }
    }

    #[test]
    fn a_range_runs_upwards() {
        assert_eq!(parse_range("100ms..30s"), Ok((Duration::from_millis(100), Duration::from_secs(30))));
        assert!(parse_range("30s..1s").is_err());
        assert!(parse_range("30s").is_err());
    }
}
