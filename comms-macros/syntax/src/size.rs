//! Sizes as texts, by one table of units.

/// The units. Only those of 1024: what `kB` means is a matter of opinion.
const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

const EXPECTED: &str = "expected a whole number with a unit `B`, `KiB`, `MiB` or `GiB`, such as \"64KiB\" or \"1MiB\"";

/// Reads `"64KiB"` as a number of bytes.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let refused = |why: &str| format!("`{text}` is not a size{why}: {EXPECTED}");
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| refused(""))?;
    let (_, bytes) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(|| refused(""))?;
    match number.checked_mul(bytes) {
        Some(0) => Err(refused(" above nothing")),
        Some(size) => Ok(size),
        None => Err(refused(" that fits 64 bits")),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_size_is_a_number_of_bytes() {
        assert_eq!(parse("512B"), Ok(512));
        assert_eq!(parse("64KiB"), Ok(64 * 1024));
        assert_eq!(parse("2GiB"), Ok(2 * 1024 * 1024 * 1024));
    }

    #[test]
    fn what_is_no_size_is_refused_with_what_is() {
        for text in
            ["", "64", "KiB", "64 KiB", "64kB", "64KB", "1.5MiB", "-1B", "0B", "1KiB1B", "99999999999999999999B", "99999999999GiB", "é"]
        {
            let error = parse(text).unwrap_err();
            assert!(error.contains("\"64KiB\""), "{text}: {error}");
        }
    }
}
