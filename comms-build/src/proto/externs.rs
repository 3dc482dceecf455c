//! What `.extern_path(..)` may be given.

use super::Protos;
use crate::diagnosis::Diagnosis;

/// Every mistake in the paths that the build script gives.
pub(super) fn check(protos: &Protos) -> Result<(), Vec<Diagnosis>> {
    let found: Vec<Diagnosis> = protos.externs.iter().filter_map(|(proto, rust)| mistake(proto, rust)).collect();
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn mistake(proto: &str, rust: &str) -> Option<Diagnosis> {
    let called = format!("`.extern_path({proto:?}, {rust:?})` in build.rs");
    if !proto.starts_with('.') || proto.split('.').skip(1).any(str::is_empty) {
        let cause = format!("{called} names no Protobuf type or package");
        return Some(Diagnosis::error(None, cause, "Write the full name with its leading dot, as in `.shop.common.v1.Money`"));
    }
    if syn::parse_str::<syn::Type>(rust).is_err() {
        let cause = format!("{called} names no Rust type or module");
        return Some(Diagnosis::error(None, cause, "Write a path that begins with `crate::` or `::`, as in `crate::Money`"));
    }
    None
}

/// Whether the type or service of this full name, with its leading dot, is another crate's to generate.
pub(super) fn covers(protos: &Protos, name: &str) -> bool {
    protos.externs.iter().any(|(proto, _)| name.strip_prefix(proto.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}
