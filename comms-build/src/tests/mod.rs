//! Tests over sources on disk.
