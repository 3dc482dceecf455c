//! The assertion that nothing annotated was left out of the wiring.
//!
//! `comms-build` hands the compiler the list of what it found as an environment variable. Each expansion
//! asserts that it is on it, but only in a crate root that the list was made for: an integration test, an
//! example, a doctest and a crate that wires by hand have none.
//!
//! The list is one line per root: `lib:<crate name>` or `bin:<name>`, a `=`, and the sorted 16-digit hexadecimal
//! FNV-1a (64 bit) hashes of the item paths without the crate's name, without separators:
//! `lib:shop=00af..9e13..;bin:orders=..;`
//!
//! Integration tests and doctests get the same environment as the library, without a `CARGO_BIN_NAME` too: only
//! the name of their crate tells them from it.

/// Refuses to compile an annotated item that the scan did not list.
///
/// # Panics
/// In a constant, so at build time: when the root was generated and the item is not on its list.
pub const fn assert_listed(index: Option<&str>, binary: Option<&str>, module_path: &str, item: &str) {
    let Some(index) = index else { return };
    let Some((start, end)) = root_entries(index.as_bytes(), module_path.as_bytes(), binary) else { return };
    let wanted = hash_path(module_path.as_bytes(), item.as_bytes());
    assert!(
        contains(index.as_bytes(), start, end, wanted),
        "this annotated item is not in the generated wiring: comms-build could not see it. It stands behind another macro, in a file taken in with include!, or in a function body. Write it in a module file of this crate"
    );
}

/// [`assert_listed`] in the crate, binary and module where it is written, after assertions about types.
#[doc(hidden)]
#[macro_export]
macro_rules! __listed {
    ($item:literal $(, $assertion:ident::<$type:ty>)*) => {
        const _: () = {
            $($crate::__private::$assertion::<$type>();)*
            let (index, binary) = (::core::option_env!("COMMS_INDEX"), ::core::option_env!("CARGO_BIN_NAME"));
            $crate::__private::index::assert_listed(index, binary, ::core::module_path!(), $item);
        };
    };
}

/// The [`Location`](crate::handler::Location) where it is written.
#[doc(hidden)]
#[macro_export]
macro_rules! __here {
    () => {
        $crate::handler::Location::new(::core::file!(), ::core::line!())
    };
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

const fn hash_bytes(mut hash: u64, bytes: &[u8], from: usize) -> u64 {
    let mut at = from;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(FNV_PRIME);
        at += 1;
    }
    hash
}

const fn crate_name(module_path: &[u8]) -> &[u8] {
    let mut end = 0;
    while end < module_path.len() && module_path[end] != b':' {
        end += 1;
    }
    module_path.split_at(end).0
}

/// The hash of `module::item` without the crate's name: a binary is known by its target's name instead.
const fn hash_path(module_path: &[u8], item: &[u8]) -> u64 {
    let hash = hash_bytes(FNV_OFFSET, module_path, crate_name(module_path).len());
    hash_bytes(hash_bytes(hash, b"::", 0), item, 0)
}

/// Where the entries of the root being compiled begin and end in the index.
const fn root_entries(index: &[u8], module_path: &[u8], binary: Option<&str>) -> Option<(usize, usize)> {
    let mut line = 0;
    while line < index.len() {
        let mut equals = line;
        while equals < index.len() && index[equals] != b'=' {
            equals += 1;
        }
        let mut end = equals;
        while end < index.len() && index[end] != b';' {
            end += 1;
        }
        if is_root(index, line, equals, module_path, binary) {
            return Some((equals + 1, end));
        }
        line = end + 1;
    }
    None
}

const fn is_root(index: &[u8], from: usize, to: usize, module_path: &[u8], binary: Option<&str>) -> bool {
    match binary {
        None => is_text(index, from, to, b"lib:", crate_name(module_path)),
        Some(name) => is_text(index, from, to, b"bin:", name.as_bytes()),
    }
}

const fn is_text(index: &[u8], from: usize, to: usize, first: &[u8], second: &[u8]) -> bool {
    if to - from != first.len() + second.len() {
        return false;
    }
    let mut at = 0;
    while at < to - from {
        let wanted = if at < first.len() { first[at] } else { second[at - first.len()] };
        if index[from + at] != wanted {
            return false;
        }
        at += 1;
    }
    true
}

/// Binary search among the sorted hashes of 16 digits each.
const fn contains(index: &[u8], start: usize, end: usize, wanted: u64) -> bool {
    let (mut low, mut high) = (0, (end - start) / 16);
    while low < high {
        let middle = low + (high - low) / 2;
        let found = parse_hex(index, start + middle * 16);
        if found == wanted {
            return true;
        }
        if found < wanted {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    false
}

const fn parse_hex(index: &[u8], at: usize) -> u64 {
    let mut value = 0;
    let mut digit = 0;
    while digit < 16 {
        let byte = index[at + digit];
        let nibble = if byte.is_ascii_digit() { byte - b'0' } else { byte - b'a' + 10 };
        value = value << 4 | nibble as u64;
        digit += 1;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> String {
        let mut hashes = [hash_path(b"shop::billing", b"Billing"), hash_path(b"shop", b"on_paid")];
        hashes.sort_unstable();
        format!("lib:shop={:016x}{:016x};bin:worker=;", hashes[0], hashes[1])
    }

    #[test]
    fn listed_items_pass() {
        assert_listed(Some(&index()), None, "shop::billing", "Billing");
        assert_listed(Some(&index()), None, "shop", "on_paid");
    }

    /// `comms-build` pins the same values.
    #[test]
    fn the_hash_is_the_one_that_the_build_script_computes() {
        assert_eq!(hash_path(b"shop::billing", b"Billing::on_paid"), 0x336e_1f51_256d_301d);
    }

    #[test]
    #[should_panic(expected = "not in the generated wiring")]
    fn an_item_that_was_missed_is_refused() {
        assert_listed(Some(&index()), None, "shop::billing", "Hidden");
    }

    #[test]
    #[should_panic(expected = "not in the generated wiring")]
    fn each_binary_has_a_list_of_its_own() {
        assert_listed(Some(&index()), Some("worker"), "shop::billing", "Billing");
    }

    #[test]
    fn roots_that_were_not_generated_are_left_alone() {
        assert_listed(None, None, "doctest", "X");
        assert_listed(Some(&index()), None, "integration_test", "X");
        assert_listed(Some(&index()), Some("example"), "example", "X");
    }
}
