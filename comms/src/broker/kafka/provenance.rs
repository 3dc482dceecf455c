//! The provenance of a dead letter as a header, which should stay small beside its message.

use crate::broker::Provenance;

/// One error text, in bytes.
const LONGEST_ERROR: usize = 2 << 10;
/// How many errors of a chain are kept; the outermost come first.
const MOST_ERRORS: usize = 8;

pub(super) fn write(mut provenance: Provenance) -> String {
    provenance.errors.truncate(MOST_ERRORS);
    for error in &mut provenance.errors {
        shorten(error);
    }
    serde_json::to_string(&provenance).unwrap_or_default()
}

pub(super) fn read(text: &str) -> Option<Provenance> {
    serde_json::from_str(text).ok()
}

fn shorten(text: &mut String) {
    if text.len() > LONGEST_ERROR {
        let end = text.floor_char_boundary(LONGEST_ERROR);
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;
    use jiff::Timestamp;

    #[test]
    fn an_endless_error_is_cut_where_a_character_ends() {
        let mut provenance = Provenance {
            topic: "t".into(),
            group: "g".into(),
            service: "s".into(),
            handler: "h".into(),
            reason: "failed".into(),
            class: Class::Permanent,
            errors: vec!["ü".repeat(100_000); 100],
            attempts: 3,
            first_seen: Timestamp::UNIX_EPOCH,
            given_up: Timestamp::UNIX_EPOCH,
        };
        let text = write(provenance.clone());
        assert!(text.len() < 20_000, "{}", text.len());
        provenance.errors = vec![format!("{}…", "ü".repeat(LONGEST_ERROR / 2)); MOST_ERRORS];
        assert_eq!(read(&text), Some(provenance));
    }
}
