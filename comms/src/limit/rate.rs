//! So many in a time, as attributes and configuration write it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The units, with their names.
const UNITS: [(&str, Duration); 3] = [("s", Duration::from_secs(1)), ("m", Duration::from_secs(60)), ("h", Duration::from_secs(3600))];

/// What is saved up while nothing happens is worth this long, if nothing else is said: timers are no finer than a
/// millisecond, and a rate that could not catch up after one would not be reached.
const SAVED: Duration = Duration::from_millis(100);

/// A rate: so many in a time, and how many of them may come at once after a rest.
///
/// Written `"100/s"`, `"30/m"`, `"2/h"`, or with the burst, `"100/s burst 20"`. Without one the burst is a tenth of a
/// second's worth, at least 1.
///
/// ```
/// use comms::limit::Rate;
///
/// let rate: Rate = "100/s".parse()?;
/// assert_eq!(rate, Rate::per_second(100));
/// assert_eq!(rate.to_string(), "100/s");
/// # Ok::<_, comms::limit::InvalidRate>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    per: Duration,
    burst: Option<u32>,
}

/// A text that is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a rate: expected a whole number from 1 and a unit, s, m or h, as in `100/s` or `30/m`, or with a burst from 1, `100/s burst 20`"
)]
pub struct InvalidRate {
    text: String,
}

impl Rate {
    /// So many in the time.
    ///
    /// # Panics
    /// When the number is 0, or the time so short that less than a nanosecond is left for each; in a constant that is
    /// a build error.
    #[must_use]
    pub const fn new(count: u32, per: Duration) -> Self {
        assert!(count > 0, "a rate must be at least 1 in a time: nothing would ever pass");
        assert!(per.as_nanos() >= count as u128, "a rate must leave a nanosecond for each");
        Self { count, per, burst: None }
    }

    /// So many in a second.
    ///
    /// # Panics
    /// When it is 0; in a constant that is a build error.
    #[must_use]
    pub const fn per_second(count: u32) -> Self {
        Self::new(count, Duration::from_secs(1))
    }

    /// With so many at once after a rest.
    ///
    /// # Panics
    /// When it is 0; in a constant that is a build error.
    #[must_use]
    pub const fn burst(mut self, burst: u32) -> Self {
        assert!(burst > 0, "a burst must be at least 1");
        self.burst = Some(burst);
        self
    }

    /// The time from one to the next.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.per / self.count
    }

    /// How many may come at once after a rest.
    #[must_use]
    pub fn at_once(&self) -> u32 {
        self.burst.unwrap_or_else(|| {
            let saved = SAVED.as_nanos().div_ceil(self.interval().as_nanos().max(1));
            u32::try_from(saved).unwrap_or(u32::MAX).max(1)
        })
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).ok_or_else(|| InvalidRate { text: text.to_owned() })
    }
}

fn read(text: &str) -> Option<Rate> {
    let (rate, burst) = match text.split_once(" burst ") {
        Some((rate, burst)) => (rate, Some(number(burst)?)),
        None => (text, None),
    };
    let (count, unit) = rate.split_once('/')?;
    let (_, per) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let count = number(count).filter(|count| per.as_nanos() >= u128::from(*count))?;
    Some(Rate { count, per: *per, burst })
}

/// Digits alone: `parse` would take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?.filter(|number| *number > 0)
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().find(|(_, per)| *per == self.per) {
            Some((unit, _)) => write!(f, "{}/{unit}", self.count)?,
            None => write!(f, "{} in {:?}", self.count, self.per)?,
        }
        self.burst.map_or(Ok(()), |burst| write!(f, " burst {burst}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_written_back() {
        for text in ["1/s", "100/s", "30/m", "2/h", "100/s burst 20"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        assert_eq!("90/m".parse::<Rate>().unwrap().interval(), Duration::from_micros(666_666) + Duration::from_nanos(666));
    }

    #[test]
    fn what_is_no_rate_is_refused_with_what_is() {
        for text in [
            "",
            "100",
            "/s",
            "0/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "100/d",
            "100 / s",
            "100/s burst 0",
            "100/s burst",
            "100/sburst 5",
            "4294967296/s",
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains("`100/s`"), "{error}");
        }
    }

    #[test]
    fn without_a_burst_a_tenth_of_a_second_is_saved() {
        assert_eq!(Rate::per_second(1000).at_once(), 100);
        assert_eq!(Rate::per_second(15).at_once(), 2);
        assert_eq!("30/m".parse::<Rate>().unwrap().at_once(), 1);
        assert_eq!(Rate::per_second(1000).burst(7).at_once(), 7);
    }
}
