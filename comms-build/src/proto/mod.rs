//! `.proto` files to Rust, without `protoc`: messages by `prost-build`, services by a generator of our own.
//!
//! Each package becomes `OUT_DIR/comms/proto/<package>.rs`; `OUT_DIR/comms/proto/mod.rs` puts them into one module
//! tree, which `comms::proto!()` takes in.

#[cfg(feature = "proto")]
mod comments;
#[cfg(feature = "proto")]
mod compile;
#[cfg(feature = "proto")]
mod diagnose;
#[cfg(feature = "proto")]
mod emit;
#[cfg(feature = "proto")]
mod externs;
#[cfg(feature = "proto")]
mod fake;
#[cfg(feature = "proto")]
mod names;
mod request;
#[cfg(feature = "proto")]
mod service;
#[cfg(all(test, feature = "proto"))]
mod tests;
#[cfg(feature = "proto")]
mod tree;

use std::path::Path;

pub(crate) use request::Protos;

use crate::diagnosis::Diagnosis;
use crate::generate::Generated;

/// Adds what the `.proto` files come to: files, mistakes, and what to watch.
pub(crate) fn add(package: &Path, protos: &Protos, generated: &mut Generated) {
    if protos.is_empty() {
        return;
    }
    match files(package, protos, generated) {
        Ok(files) => generated.files.extend(files),
        Err(diagnoses) => generated.diagnoses.extend(diagnoses),
    }
}

#[cfg(feature = "proto")]
fn files(package: &Path, protos: &Protos, generated: &mut Generated) -> Result<Vec<(String, String)>, Vec<Diagnosis>> {
    externs::check(protos)?;
    let compiled = compile::compile(package, protos, &mut generated.watched)?;
    names::check(&compiled)?;
    emit::files(compiled.descriptors, protos)
}

#[cfg(not(feature = "proto"))]
fn files(_: &Path, _: &Protos, _: &mut Generated) -> Result<Vec<(String, String)>, Vec<Diagnosis>> {
    Err(vec![Diagnosis::error(
        None,
        "`.proto(..)` in build.rs needs the feature `proto` of `comms-build`",
        "Write `comms-build = { .., features = [\"proto\"] }` among the build-dependencies",
    )])
}
