//! The builder that a build script calls.

use std::path::{Path, PathBuf};

use crate::check::finish;
use crate::generate::{Generated, Request, generate};
use crate::output;
use crate::proto::{self, Protos};

/// Starts the configuration of what is generated for the package whose build script runs.
pub fn configure() -> Configure {
    Configure::default()
}

/// What is generated, and how strictly it is checked.
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is generated until `.run()`"]
pub struct Configure {
    request: Request,
    protos: Protos,
}

impl Configure {
    /// Makes errors of warnings.
    pub fn strict(mut self) -> Self {
        self.request.rules.strict = true;
        self
    }

    /// Makes the messages of another crate known, under its crate name: the folder of its package, or its `src`,
    /// relative to this package.
    ///
    /// A command or query in it that a service of this package owns must have its handler here.
    pub fn contracts(mut self, folder: impl AsRef<Path>) -> Self {
        self.request.contracts.push(folder.as_ref().to_owned());
        self
    }

    /// Checks a system of several packages as a whole, given the folders of its members, relative to this package:
    /// every event has a publisher and a handler (warnings, errors under [`strict`](Self::strict)), every command
    /// and query is handled by its owner, no wire name has two types.
    ///
    /// Its topology is written to `OUT_DIR/comms/system.topology.json` and `.mmd`.
    pub fn system<P: AsRef<Path>>(mut self, folders: impl IntoIterator<Item = P>) -> Self {
        self.request.system.extend(folders.into_iter().map(|folder| PathBuf::from(folder.as_ref())));
        self
    }

    /// Names messages, as on the wire, whose other side is outside of the system.
    pub fn external<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.request.rules.external.extend(names.into_iter().map(Into::into));
        self
    }

    /// Makes Rust of a `.proto` file, and of all that it imports: the path is relative to this package. Needs the
    /// feature `proto`, and no `protoc`.
    ///
    /// Take the result in by `comms::proto!()`. Without [`include`](Self::include), imports begin in the nearest
    /// folder above the file that is called `proto` or `protos`, else in its own.
    ///
    /// ```no_run
    /// comms_build::configure().proto("../../proto/shop/inventory/v1/inventory.proto").run();
    /// ```
    pub fn proto(mut self, file: impl AsRef<Path>) -> Self {
        self.protos.files.push(file.as_ref().to_owned());
        self
    }

    /// Looks for what `.proto` files import in the folder, relative to this package. The files that
    /// [`proto`](Self::proto) names must lie in such a folder too.
    pub fn include(mut self, folder: impl AsRef<Path>) -> Self {
        self.protos.includes.push(folder.as_ref().to_owned());
        self
    }

    /// Takes a Rust type, or a module, for a Protobuf type, or all types of a package, instead of generating it:
    /// `.extern_path(".shop.common.v1.Money", "crate::Money")`. The type implements `prost::Message`.
    pub fn extern_path(mut self, proto: impl Into<String>, rust: impl Into<String>) -> Self {
        self.protos.externs.push((proto.into(), rust.into()));
        self
    }

    /// Generates for the package in the folder, without writing or printing anything.
    #[must_use]
    pub fn generate(&self, package: impl AsRef<Path>) -> Generated {
        let mut protos = Generated::default();
        let services = proto::add(package.as_ref(), &self.protos, &mut protos);
        let mut generated = generate(package.as_ref(), &self.request, &services);
        generated.files.append(&mut protos.files);
        generated.diagnoses.append(&mut protos.diagnoses);
        generated.watched.append(&mut protos.watched);
        generated.diagnoses = finish(generated.diagnoses, &self.request.rules);
        generated
    }

    /// Generates for the package whose build script runs, tells cargo what to watch, and what is wrong.
    ///
    /// Errors are lines of `cargo::error=`, at which cargo fails the build once the build script has ended. The
    /// process is not ended with a failing code: cargo would print the whole output of the build script then, and
    /// hide the few lines that matter among it.
    pub fn run(self) {
        output::run(|package| self.generate(package));
    }
}
