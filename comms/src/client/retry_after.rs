//! When a service wants to be asked again: the header `retry-after`, RFC 9110, section 10.2.3.

use std::time::Duration;

use hyper::header::{HeaderMap, RETRY_AFTER};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The three forms that a date may have; the latter two are history.
const FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// How long to wait, if the headers say so in a way that can be read. A moment that has passed is no wait.
pub(super) fn read(headers: &HeaderMap) -> Option<Duration> {
    parse(headers.get(RETRY_AFTER)?.to_str().ok()?.trim(), Timestamp::now())
}

fn parse(text: &str, now: Timestamp) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than can be counted is as long as can be told.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = FORMS.iter().find_map(|form| DateTime::strptime(form, text).ok())?;
    let moment = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Duration::try_from(moment.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(text: &str) -> Option<u64> {
        parse(text, "1994-11-06T08:49:30Z".parse().unwrap()).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!((wait("0"), wait("120"), wait("99999999999999999999999")), (Some(0), Some(120), Some(u64::MAX)));
        for date in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(wait(date), Some(7), "{date}");
        }
        assert_eq!(wait("Sat, 05 Nov 1994 08:49:37 GMT"), Some(0));
    }

    #[test]
    fn what_can_not_be_read_says_nothing() {
        for text in ["", "-1", "1.5", "soon", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 +0100"] {
            assert_eq!(wait(text), None, "{text}");
        }
    }
}
