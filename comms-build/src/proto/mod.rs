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

/// The gRPC services of a package's `.proto` files; none where they are not known.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProtoServices(pub(crate) Option<Vec<ProtoService>>);

/// A gRPC service.
#[derive(Clone, Debug)]
pub(crate) struct ProtoService {
    /// Its name on the wire.
    pub(crate) name: String,
    pub(crate) methods: Vec<ProtoMethod>,
}

/// A method of a gRPC service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProtoMethod {
    /// Its name on the wire.
    pub(crate) name: String,
    /// What streams, in words.
    pub(crate) kind: &'static str,
    /// What `option idempotency_level` says, in words.
    pub(crate) idempotency: Option<&'static str>,
}

/// Adds what the `.proto` files come to: files, mistakes, and what to watch. Returns their services.
pub(crate) fn add(package: &Path, protos: &Protos, generated: &mut Generated) -> ProtoServices {
    if protos.is_empty() {
        return ProtoServices::default();
    }
    match files(package, protos, generated) {
        Ok((files, services)) => {
            generated.files.extend(files);
            ProtoServices(Some(services))
        }
        Err(diagnoses) => {
            generated.diagnoses.extend(diagnoses);
            ProtoServices::default()
        }
    }
}

/// Generated files by name, and the services.
type Files = (Vec<(String, String)>, Vec<ProtoService>);

#[cfg(feature = "proto")]
fn files(package: &Path, protos: &Protos, generated: &mut Generated) -> Result<Files, Vec<Diagnosis>> {
    externs::check(protos)?;
    let compiled = compile::compile(package, protos, &mut generated.watched)?;
    names::check(&compiled)?;
    let services = names::services(&compiled);
    Ok((emit::files(compiled.descriptors, protos)?, services))
}

#[cfg(not(feature = "proto"))]
fn files(_: &Path, _: &Protos, _: &mut Generated) -> Result<Files, Vec<Diagnosis>> {
    Err(vec![needs_feature()])
}

/// Nobody is there who reads `.proto` files.
#[cfg(any(not(feature = "proto"), test))]
fn needs_feature() -> Diagnosis {
    Diagnosis::error(
        None,
        "`.proto(..)` in build.rs needs the feature `proto` of `comms-build`",
        "Write `comms-build = { .., features = [\"proto\"] }` among the build-dependencies",
    )
}

#[cfg(test)]
mod feature_tests {
    /// The feature may be on where this runs.
    #[test]
    fn without_the_feature_a_build_script_that_names_protos_is_told_what_to_write() {
        let told = super::needs_feature().to_string();
        assert!(
            told.contains("needs the feature `proto` of `comms-build`. Write `comms-build = { .., features = [\"proto\"] }`"),
            "{told}"
        );
    }
}
