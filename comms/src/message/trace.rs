//! W3C Trace Context: the trace that a message belongs to.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use rand::RngExt;

/// A position in a distributed trace: the `traceparent` header of
/// [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header), version 00.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceParent {
    trace: u128,
    span: NonZeroU64,
    flags: u8,
}

impl TraceParent {
    /// The root of a new, sampled trace.
    #[must_use]
    pub fn root() -> Self {
        Self { trace: rand::rng().random::<u128>().max(1), span: new_span(), flags: 1 }
    }

    /// A new span below this one.
    #[must_use]
    pub fn child(self) -> Self {
        self.at(new_span())
    }

    /// The span of this id in the same trace.
    pub(crate) fn at(self, span: NonZeroU64) -> Self {
        Self { span, ..self }
    }

    /// The trace id, 32 lower-case hexadecimal digits when displayed with `{:032x}`.
    #[must_use]
    pub fn trace_id(self) -> u128 {
        self.trace
    }

    /// The span id, 16 lower-case hexadecimal digits when displayed with `{:016x}`.
    #[must_use]
    pub fn span_id(self) -> u64 {
        self.span.get()
    }

    /// Works with its text, for which nothing is allocated.
    pub(crate) fn with_text<R>(self, work: impl FnOnce(&str) -> R) -> R {
        let mut text = *b"00-................................-................-..";
        write_hex(&mut text[3..35], &self.trace.to_be_bytes());
        write_hex(&mut text[36..52], &self.span.get().to_be_bytes());
        write_hex(&mut text[53..], &[self.flags]);
        // Digits, letters and dashes are UTF-8.
        work(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// Two digits for each byte.
fn write_hex(digits: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// A random id. Zero is no span; that 1 is twice as likely tips no scale.
pub(crate) fn new_span() -> NonZeroU64 {
    NonZeroU64::new(rand::rng().random()).unwrap_or(NonZeroU64::MIN)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

/// A `traceparent` that does not have the form `00-<32 hex>-<16 hex>-<2 hex>`.
#[derive(Debug, thiserror::Error)]
#[error("not a W3C traceparent: expected 00-<32 hex>-<16 hex>-<2 hex> with ids that are not zero")]
pub struct InvalidTraceParent;

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    /// Later versions are read as version 00, as the standard asks; what follows the flags is ignored.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.as_bytes();
        let (head, rest) = text.split_at_checked(LENGTH).ok_or(InvalidTraceParent)?;
        if [head[2], head[35], head[52]] != *b"---" || rest.first().is_some_and(|&next| next != b'-') {
            return Err(InvalidTraceParent);
        }
        let [version, flags] = [hex(&head[..2])?, hex(&head[53..])?];
        let trace = u128::from(hex(&head[3..19])?) << 64 | u128::from(hex(&head[19..35])?);
        let span = NonZeroU64::new(hex(&head[36..52])?).ok_or(InvalidTraceParent)?;
        if version == 0xff || trace == 0 || (version == 0 && !rest.is_empty()) {
            return Err(InvalidTraceParent);
        }
        // Two digits: it fits.
        Ok(Self { trace, span, flags: u8::try_from(flags).unwrap_or_default() })
    }
}

/// The length of version 00.
const LENGTH: usize = 55;

/// What each byte is worth as a digit of lower case; with the highest bit for what is none.
const DIGITS: [u8; 256] = {
    let mut digits = [0x80; 256];
    let mut digit = 0;
    while digit < 16 {
        digits[b"0123456789abcdef"[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};

/// Up to sixteen digits. Without a branch for each: they are as random as ids.
fn hex(digits: &[u8]) -> Result<u64, InvalidTraceParent> {
    let (mut value, mut seen) = (0, 0);
    for &byte in digits {
        let digit = DIGITS[usize::from(byte)];
        seen |= digit;
        value = value << 4 | u64::from(digit & 15);
    }
    if seen & 0x80 == 0 { Ok(value) } else { Err(InvalidTraceParent) }
}

#[cfg(test)]
mod tests {
    use super::TraceParent;

    #[test]
    fn a_traceparent_survives_the_wire() {
        let root = TraceParent::root();
        assert_eq!(root.to_string().parse::<TraceParent>().unwrap(), root);
        assert_eq!(root.child().trace_id(), root.trace_id());
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let known = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be";
        assert_eq!(later.parse::<TraceParent>().unwrap(), known.parse().unwrap());
        assert_eq!(known.parse::<TraceParent>().unwrap().to_string(), known);
    }

    #[test]
    fn malformed_traceparents_are_refused() {
        for text in [
            "",
            "00",
            "00-0-0-00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-012",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-é4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
    }
}
