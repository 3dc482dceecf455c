//! What a build script asks for.

use std::path::PathBuf;

/// The `.proto` files of a package, and how they are read. Paths are relative to the package.
#[derive(Clone, Debug, Default)]
#[cfg_attr(not(feature = "proto"), allow(dead_code, reason = "read by what the feature `proto` adds"))]
pub(crate) struct Protos {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) includes: Vec<PathBuf>,
    /// A Protobuf path with its leading dot, and the Rust path that stands for it.
    pub(crate) externs: Vec<(String, String)>,
}

impl Protos {
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
