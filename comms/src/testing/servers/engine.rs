//! Programs of servers out of images, where a container engine is to run them.
//!
//! A program gets there what it gets without: the same arguments and environment (but for PATH, which is the image's), the network
//! of the host, the same directory under the same name, the same user. It sees the host's processes too, so that the pid which it
//! records is its pid outside: signals reach it, and so does what watches over the sandbox.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the engine: `docker`, `podman`, or the path of one that takes the same arguments.
const ENGINE: &str = "COMMS_TEST_CONTAINERS";

/// What a server's programs are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image {
    /// The variable that names another image.
    variable: &'static str,
    /// The official one, of the version that the tests run on.
    official: &'static str,
}

pub(super) const REDIS: Image = Image { variable: "COMMS_TEST_IMAGE_REDIS", official: "docker.io/library/redis:7" };
pub(super) const RABBITMQ: Image = Image { variable: "COMMS_TEST_IMAGE_RABBITMQ", official: "docker.io/library/rabbitmq:3.13" };
/// Of Java; the broker's jars are the host's.
pub(super) const JAVA: Image = Image { variable: "COMMS_TEST_IMAGE_JAVA", official: "docker.io/library/eclipse-temurin:21-jre" };

/// An engine and the image that it is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    engine: PathBuf,
    image: String,
    /// What the programs read beside their own directory.
    shared: Option<PathBuf>,
}

impl Container {
    /// Of this image, if the environment names an engine.
    pub(super) fn of(image: Image) -> Option<Self> {
        let engine = env::var_os(ENGINE).filter(|engine| !engine.is_empty())?;
        let image = env::var(image.variable).unwrap_or_else(|_| image.official.to_owned());
        Some(Self { engine: engine.into(), image, shared: None })
    }

    pub(super) fn sharing(mut self, directory: &Path) -> Self {
        self.shared = Some(directory.to_owned());
        self
    }

    /// Runs `sh` in a new container that is gone when it ends; the arguments of `sh` are the caller's to add.
    pub(super) fn shell(&self, directory: &Path, environment: &[(&str, String)]) -> io::Result<Command> {
        let owner = fs::metadata(directory)?;
        let same = |path: &Path, mode: &str| format!("{0}:{0}{mode}", path.display());
        let mut command = Command::new(&self.engine);
        command.args(["run", "--rm", "--network=host", "--pid=host", "--user", &format!("{}:{}", owner.uid(), owner.gid())]);
        command.args(["--volume", &same(directory, ""), "--workdir"]).arg(directory);
        if let Some(shared) = &self.shared {
            command.args(["--volume", &same(shared, ":ro")]);
        }
        for (name, value) in environment.iter().filter(|(name, _)| *name != "PATH") {
            command.args(["--env", &format!("{name}={value}")]);
        }
        command.args(["--entrypoint", "sh", &self.image]);
        Ok(command)
    }
}

#[cfg(test)]
mod tests;
