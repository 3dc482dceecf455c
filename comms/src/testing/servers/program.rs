//! Finding a server's program: on this machine, or in an image.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::ServerError;
use super::engine::{Container, Image};

/// A program that can be started.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// What it is in, if not on this machine.
    pub(super) container: Option<Container>,
}

impl Program {
    /// The program beside this one.
    pub(super) fn beside(&self, name: &str) -> Self {
        Self { path: self.path.with_file_name(name), container: self.container.clone() }
    }
}

/// Where servers are installed though an ordinary user's PATH doesn't say so.
const ALSO: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"];

/// The directories to look at: PATH, then [`ALSO`], each once.
fn directories(path: &OsStr) -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = Vec::new();
    for directory in env::split_paths(path).chain(ALSO.map(PathBuf::from)) {
        if !directory.as_os_str().is_empty() && !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    directories
}

/// Finds a program; the error says where it was looked for and how it is installed. In an image it is where the image's PATH says.
pub(super) fn find(program: &'static str, install: &'static str, image: Image) -> Result<Program, ServerError> {
    let container = Container::of(image);
    let path = match container {
        Some(_) => program.into(),
        None => find_in(&env::var_os("PATH").unwrap_or_default(), program, install)?,
    };
    Ok(Program { path, container })
}

fn find_in(path: &OsStr, program: &'static str, install: &'static str) -> Result<PathBuf, ServerError> {
    let looked_in = directories(path);
    let found = looked_in.iter().map(|directory| directory.join(program));
    match found.into_iter().find(|path| is_program(path)) {
        Some(found) => Ok(found),
        None => Err(ServerError::NotInstalled { program, looked_in, install }),
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_says_where_it_was_looked_for_and_how_to_get_it() {
        let path = OsStr::new("/nowhere/bin:/nowhere/else:/nowhere/bin");
        let error = find_in(path, "no-such-server", "apt-get install it").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`no-such-server` was not found; looked in /nowhere/bin, /nowhere/else, /usr/sbin, \
             /usr/local/sbin, /opt/homebrew/sbin. Run `./test` at the root of the comms repository, \
             which installs what the tests need, or install it yourself (apt-get install it)"
        );
    }

    #[test]
    fn a_program_on_path_is_found() {
        let found = find_in(&env::var_os("PATH").unwrap(), "sh", "").unwrap();
        assert!(found.ends_with("sh"), "{}", found.display());
    }
}
