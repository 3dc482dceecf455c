//! Durations as configuration writes them.

use std::fmt;
use std::time::Duration;

/// The units, with their milliseconds; the longest that divides a duration writes it.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration: expected a whole number and a unit, ms, s, m or h, as in `250ms` or `5s`")]
pub struct InvalidDuration {
    text: String,
}

/// Reads `250ms`, `5s`, `2m` or `1h`.
///
/// # Errors
/// [`InvalidDuration`] for every other form, and for more hours than fit into 64 bits of milliseconds.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(comms::config::parse_duration("250ms"), Ok(Duration::from_millis(250)));
/// assert!(comms::config::parse_duration("5").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    milliseconds(text).map(Duration::from_millis).ok_or_else(|| InvalidDuration { text: text.to_owned() })
}

fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Reads `100ms..30s`: two durations, the first not above the second.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_duration_range(text: &str) -> Result<(Duration, Duration), String> {
    let (first, last) = text
        .split_once("..")
        .ok_or_else(|| format!("`{text}` is not a range of durations: expected two with `..` between, as in `100ms..30s`"))?;
    let (first, last) = (parse(first)?, parse(last)?);
    if first > last {
        return Err(format!("`{text}` is not a range of durations: the first, the shortest delay, is above the second, the longest"));
    }
    Ok((first, last))
}

fn parse(text: &str) -> Result<Duration, String> {
    parse_duration(text.trim()).map_err(|error| error.to_string())
}

/// Writes a duration as [`parse_duration`] reads it, rounded up to milliseconds.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let milliseconds = duration.as_nanos().div_ceil(1_000_000);
    let fits = |factor: u64| milliseconds.is_multiple_of(u128::from(factor)) && (milliseconds > 0 || factor == 1_000);
    let (unit, factor) = UNITS.iter().rev().find(|(_, factor)| fits(*factor)).unwrap_or(&UNITS[0]);
    format!("{}{unit}", milliseconds / u128::from(*factor))
}

/// A [`Duration`] in a settings type of your own, written `"250ms"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Period(pub Duration);

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_duration(self.0))
    }
}

impl<'de> serde::Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        parse_duration(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_written_back() {
        for text in ["1ms", "250ms", "5s", "90s", "2m", "1h", "0s"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(format_duration(Duration::from_micros(1_500)), "2ms");
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_units() {
        for text in ["", "5", "s", "5 s", "-5s", "1.5s", "5sec", "1m30s", "99999999999999999999h", "18446744073709551615h", "5é"] {
            let error = parse_duration(text).unwrap_err().to_string();
            assert!(error.contains("ms, s, m or h"), "{error}");
        }
    }

    #[test]
    fn a_range_begins_below_its_end() {
        assert_eq!(parse_duration_range("100ms..30s"), Ok((Duration::from_millis(100), Duration::from_secs(30))));
        assert!(parse_duration_range("30s..100ms").unwrap_err().contains("above the second"));
        assert!(parse_duration_range("30s").unwrap_err().contains("`..`"));
        assert!(parse_duration_range("1s..2").unwrap_err().contains("`2`"));
    }
}
