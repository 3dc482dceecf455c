//! Whether the crate root, where the wiring stands, may name an item.

use syn::Visibility;

use crate::diagnosis::Place;

/// The item that keeps the crate root out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Barrier {
    /// `mod b` or `struct Billing`, as the user wrote it without its visibility.
    pub(crate) declaration: String,
    pub(crate) place: Place,
}

/// Whether an item of this visibility can be named in the crate root.
///
/// `depth` is the number of modules between the crate root and the item: 0 in the root itself.
pub(crate) fn is_visible_in_root(visibility: &Visibility, depth: usize) -> bool {
    match visibility {
        Visibility::Public(_) => true,
        Visibility::Inherited => depth == 0,
        Visibility::Restricted(restricted) => {
            let mut up = 0;
            for segment in &restricted.path.segments {
                match segment.ident.to_string().as_str() {
                    "crate" => up = depth,
                    "super" => up += 1,
                    "self" => {}
                    _ => return false,
                }
            }
            up >= depth
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visible(visibility: &str, depth: usize) -> bool {
        is_visible_in_root(&syn::parse_str(visibility).expect("a visibility"), depth)
    }

    #[test]
    fn visibilities_are_judged_from_the_crate_root() {
        assert!(visible("", 0));
        assert!(!visible("", 1));
        assert!(visible("pub", 3));
        assert!(visible("pub(crate)", 3));
        assert!(visible("pub(super)", 1));
        assert!(!visible("pub(super)", 2));
        assert!(visible("pub(in super::super)", 2));
        assert!(visible("pub(in crate)", 2));
        assert!(!visible("pub(in crate::a)", 2));
        assert!(!visible("pub(self)", 1));
    }
}
