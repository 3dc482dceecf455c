//! The path and query of a request, out of the values of its parameters.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for itself everywhere in a URL.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// In the rest of a path the segments stay apart.
const ENCODED_REST: &AsciiSet = &ENCODED.remove(b'/');

/// The declared path, `/orders/{id}`, with the values in the places of their names.
///
/// # Errors
/// What is wrong with a value.
pub(super) fn fill(declared: &str, values: &[(&str, String)]) -> Result<String, String> {
    let mut pieces = declared.split('{');
    let mut path = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, after) = piece.split_once('}').unwrap_or((piece, ""));
        let (name, encoded) = name.strip_prefix('*').map_or((name, ENCODED), |rest| (rest, ENCODED_REST));
        let value = values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        let value = value.ok_or_else(|| format!("the path parameter `{name}` was not given"))?;
        check(name, value)?;
        path.extend(utf8_percent_encode(value, encoded));
        path.push_str(after);
    }
    Ok(path)
}

fn check(name: &str, value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err(format!("the path parameter `{name}` is empty, and a segment of a path can't be"));
    }
    if value.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(format!("the path parameter `{name}` is `{value}`, which stands for another path"));
    }
    Ok(())
}

/// Adds `name=text` to the query.
pub(super) fn add_to_query(query: &mut String, name: &str, text: &str) {
    query.push(if query.is_empty() { '?' } else { '&' });
    add(query, name, text);
}

/// Adds `name=text` to the form.
pub(super) fn add_to_form(form: &mut String, name: &str, text: &str) {
    if !form.is_empty() {
        form.push('&');
    }
    add(form, name, text);
}

fn add(pairs: &mut String, name: &str, text: &str) {
    // Writing to a string can't fail.
    let _ = write!(pairs, "{}={}", utf8_percent_encode(name, ENCODED), utf8_percent_encode(text, ENCODED));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(declared: &str, value: &str) -> Result<String, String> {
        fill(declared, &[("id", value.to_owned())])
    }

    #[test]
    fn values_are_written_so_that_they_stay_one_segment() {
        assert_eq!(filled("/orders/{id}/lines", "7"), Ok("/orders/7/lines".to_owned()));
        assert_eq!(filled("/orders/{id}", "a/b c?d#e%ö"), Ok("/orders/a%2Fb%20c%3Fd%23e%25%C3%B6".to_owned()));
        assert_eq!(filled("/files/{*id}", "a/b c"), Ok("/files/a/b%20c".to_owned()));
        assert_eq!(filled("/health", "7"), Ok("/health".to_owned()));
    }

    #[test]
    fn values_that_would_be_another_path_are_refused() {
        assert!(filled("/orders/{id}", "").unwrap_err().contains("`id` is empty"));
        for value in [".", "..", "a/../b"] {
            assert!(filled("/files/{*id}", value).unwrap_err().contains("another path"), "{value}");
        }
        assert!(filled("/orders/{other}", "7").unwrap_err().contains("`other` was not given"));
    }

    #[test]
    fn a_query_is_written_as_it_is_read() {
        let mut query = String::new();
        add_to_query(&mut query, "q", "a+b &=ö");
        add_to_query(&mut query, "page", "2");
        assert_eq!(query, "?q=a%2Bb%20%26%3D%C3%B6&page=2");
    }
}
