//! The index that every expansion asserts to be on; the other half is `comms::__private::index`.
//!
//! A line per root: `lib:<crate name>` or `bin:<name>`, `=`, the sorted hashes of 16 hexadecimal digits, `;`.

use crate::model::{Crate, Role};

/// The text for `COMMS_INDEX`.
pub(crate) fn text(crates: &[Crate]) -> String {
    let generated = crates.iter().filter(|krate| krate.role == Role::Generated);
    generated.map(|krate| format!("{}={};", krate.index_key, hashes(&krate.listed))).collect()
}

fn hashes(paths: &[String]) -> String {
    let mut hashes: Vec<u64> = paths.iter().map(|path| hash(path)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes.iter().map(|hash| format!("{hash:016x}")).collect()
}

/// FNV-1a, 64 bit, of the path without the crate's name: `::billing::Billing`.
fn hash(path: &str) -> u64 {
    path.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The path that an item of a module is hashed by.
pub(crate) fn path(module: &[String], item: &str) -> String {
    module.iter().map(String::as_str).chain([item]).fold(String::new(), |path, part| path + "::" + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The runtime's tests pin the same values.
    #[test]
    fn the_hash_is_the_one_that_the_runtime_computes() {
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        let path = path(&["billing".to_owned()], "Billing::on_paid");
        assert_eq!(path, "::billing::Billing::on_paid");
        assert_eq!(hash(&path), 0x336e_1f51_256d_301d);
    }
}
