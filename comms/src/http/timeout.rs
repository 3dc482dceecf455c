//! How long a caller waits, as it says in the header `grpc-timeout`: one to eight digits and a unit. gRPC has given it its
//! name and [form](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md); calls over plain HTTP carry it too.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

/// The header.
pub(crate) const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The most that eight digits say.
const LARGEST: u64 = 99_999_999;

/// Each unit, in nanoseconds.
const UNITS: [(u8, u64); 6] =
    [(b'n', 1), (b'u', 1_000), (b'm', 1_000_000), (b'S', 1_000_000_000), (b'M', 60_000_000_000), (b'H', 3_600_000_000_000)];

/// The time, in the finest unit that can tell it; what is finer yet is cut off.
#[allow(clippy::cast_possible_truncation, reason = "a digit")]
pub(crate) fn write(timeout: Duration) -> HeaderValue {
    // Five centuries fit; in 64 bits this costs a tenth.
    let nanos = u64::try_from(timeout.as_nanos()).ok();
    let fine = nanos.and_then(|nanos| UNITS.into_iter().map(|(unit, size)| (nanos / size, unit)).find(|(count, _)| *count <= LARGEST));
    let (count, unit) = fine.unwrap_or_else(|| ((timeout.as_secs() / 3600).min(LARGEST), b'H'));
    // Eight digits and a letter, from the end on: the letter is there.
    let (mut text, mut at, mut left) = ([0; 9], 8, count);
    text[at] = unit;
    while at > 0 && (left > 0 || at == 8) {
        at -= 1;
        text[at] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    // They are what a header may have.
    HeaderValue::from_bytes(&text[at..]).unwrap_or(HeaderValue::from_static("99999999H"))
}

/// The time, if the text is one.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "n" => Duration::from_nanos(number),
        "u" => Duration::from_micros(number),
        "m" => Duration::from_millis(number),
        "S" => Duration::from_secs(number),
        "M" => Duration::from_secs(number * 60),
        "H" => Duration::from_secs(number * 3600),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(timeout: Duration) -> String {
        write(timeout).to_str().unwrap().to_owned()
    }

    #[test]
    fn times_are_written_as_finely_as_eight_digits_allow() {
        assert_eq!(written(Duration::ZERO), "0n");
        assert_eq!(written(Duration::from_millis(5)), "5000000n");
        assert_eq!(written(Duration::from_secs(30)), "30000000u");
        assert_eq!(written(Duration::from_secs(100)), "100000m");
        assert_eq!(written(Duration::MAX), "99999999H");
    }

    #[test]
    fn what_was_written_is_read_and_never_longer() {
        for timeout in [Duration::from_nanos(1), Duration::new(7, 123_456_789), Duration::from_secs(86_400), Duration::from_secs(1 << 35)] {
            let read = parse(&written(timeout)).unwrap();
            assert!(read <= timeout && (timeout - read) * 1000 <= timeout, "{timeout:?}: {read:?}");
        }
    }

    #[test]
    fn what_is_none_is_not_read() {
        for text in ["", "S", "5", "5x", "-5S", "+5S", "999999999S", "1.5S", " 5S", "5ö"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
