//! Amounts of memory as configuration writes them.

use std::fmt;

const UNITS: [(&str, u64); 7] =
    [("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// A number of bytes, written `"64KiB"` or `"10MB"` in a settings type of your own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size(pub u64);

/// A text that is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a size: expected a whole number and a unit, B, kB, MB, GB, KiB, MiB or GiB, as in `64KiB`")]
pub struct InvalidSize {
    text: String,
}

impl std::str::FromStr for Size {
    type Err = InvalidSize;

    fn from_str(text: &str) -> Result<Self, InvalidSize> {
        bytes(text).map(Self).ok_or_else(|| InvalidSize { text: text.to_owned() })
    }
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}B", self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Size {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_of_units_are_read() {
        assert_eq!("64KiB".parse(), Ok(Size(65_536)));
        assert_eq!("10MB".parse(), Ok(Size(10_000_000)));
        assert_eq!("7B".parse(), Ok(Size(7)));
    }

    #[test]
    fn what_is_no_size_is_refused_with_the_units() {
        for text in ["", "7", "kB", "1.5kB", "7 kB", "7kb", "99999999999999999999B", "18446744073709551615GiB"] {
            assert!(text.parse::<Size>().unwrap_err().to_string().contains("KiB, MiB or GiB"));
        }
    }
}
