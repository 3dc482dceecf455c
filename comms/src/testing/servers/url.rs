//! Texts in URLs.

use std::fmt::Write as _;

/// Percent-encodes everything but the characters that never need it.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02x}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn what_means_something_in_a_url_is_encoded() {
        assert_eq!(encode("/"), "%2f");
        assert_eq!(encode("p@ss:word/ü"), "p%40ss%3aword%2f%c3%bc");
        assert_eq!(encode("Plain-1_2.3~"), "Plain-1_2.3~");
    }
}
