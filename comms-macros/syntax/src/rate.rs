//! Rates as texts.

use std::time::Duration;

const UNITS: [(&str, u64); 3] = [("s", 1), ("m", 60), ("h", 3600)];

/// So many in a time, and at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many, from 1.
    pub count: u32,
    /// In how long.
    pub per: Duration,
    /// How many at once, from 1; unless that follows from the rate.
    pub burst: Option<u32>,
}

/// Reads `"100/s"`, `"30/m"`, `"100/s burst 20"`, as `comms::limit::Rate` does.
pub(crate) fn parse(text: &str) -> Result<Rate, String> {
    read(text).ok_or_else(|| {
        format!(
            "`{text}` is not a rate: expected a whole number from 1 and a unit `s`, `m` or `h`, such as \"100/s\" or \"30/m\", or with a burst from 1, \"100/s burst 20\""
        )
    })
}

fn read(text: &str) -> Option<Rate> {
    let (rate, burst) = match text.split_once(" burst ") {
        Some((rate, burst)) => (rate, Some(number(burst)?)),
        None => (text, None),
    };
    let (count, unit) = rate.split_once('/')?;
    let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let (count, per) = (number(count)?, Duration::from_secs(seconds));
    (per.as_nanos() >= u128::from(count)).then_some(Rate { count, per, burst })
}

/// Digits alone: `parse` would take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?.filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_a_unit_and_perhaps_a_burst() {
        assert_eq!(parse("100/s"), Ok(Rate { count: 100, per: Duration::from_secs(1), burst: None }));
        assert_eq!(parse("30/m burst 2"), Ok(Rate { count: 30, per: Duration::from_secs(60), burst: Some(2) }));
    }

    #[test]
    fn what_is_no_rate_is_refused_with_what_is() {
        for text in ["", "100", "0/s", "+1/s", "1.5/s", "1/d", "1 / s", "1/s burst 0", "4294967295/s"] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("100/s burst 20"), "{text}: {error}");
        }
    }
}
