//! A small disk of a server's own, that can be filled without harm to the machine's.
//!
//! It is a file system in memory, mounted where only the server sees it: in a mount namespace that a process keeps for as long as the
//! sandbox lives, so that what is on the disk outlives the server's kill, and nothing has to be unmounted. No root is needed where users may make
//! namespaces (`unshare -rm`).

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::ServerError;
use super::error::Attempt;
use super::process::{Process, poll};
use super::program::Program;
use super::sandbox::{Output, Sandbox};

/// How long the mount may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much is written at a time.
const BLOCK: usize = 64 << 10;

const KEEPER: &str = r#"mount -t tmpfs -o "size=$1,mode=700" tmpfs "$0" && : >"$0.ready" && exec sleep 2147483647"#;

const BECOME: &str = r#"cd "$0" && exec "$@""#;

#[derive(Debug)]
pub(super) struct Disk {
    keeper: Process,
    /// Where the server sees it.
    directory: PathBuf,
    /// Whether the namespace has users of its own.
    has_users: bool,
}

impl Disk {
    /// Mounts a disk of so many bytes at `data` in the sandbox.
    pub(super) fn mount(sandbox: &Sandbox, size: u64) -> Result<Self, ServerError> {
        let directory = sandbox.data_directory();
        fs::create_dir(&directory).attempt(|| format!("make {}", directory.display()))?;
        let mut refusal = String::new();
        for has_users in [true, false] {
            match Self::keep(sandbox, &directory, size, has_users)? {
                Ok(keeper) => return Ok(Self { keeper, directory, has_users }),
                Err(said) => refusal.push_str(&said),
            }
        }
        let why = format!(
            "neither `unshare -rm` nor `unshare -m` may mount a tmpfs here: run the test as root, or allow users to make namespaces ({})",
            refusal.trim()
        );
        Err(std::io::Error::other(why)).attempt(|| format!("mount a small disk at {}", directory.display()))
    }

    /// The process that keeps the namespace, or what was said against it.
    fn keep(sandbox: &Sandbox, directory: &Path, size: u64, has_users: bool) -> Result<Result<Process, String>, ServerError> {
        let (log, ready) = (directory.with_extension("log"), directory.with_extension("ready"));
        let shared = if has_users { "-rm" } else { "-m" };
        let (at, size) = (directory.display().to_string(), size.to_string());
        let environment = [("PATH", std::env::var("PATH").unwrap_or_else(|_| "/usr/sbin:/usr/bin:/sbin:/bin".to_owned()))];
        let unshare = Program { path: "unshare".into(), container: None };
        let mut keeper = sandbox.spawn(&unshare, &[shared, "sh", "-c", KEEPER, &at, &size], &environment, Output::Log(&log))?;
        let answered = poll(Some(Instant::now() + PATIENCE), || match ready.exists() {
            true => Ok(Some(true)),
            false => Ok(keeper.try_wait()?.map(|_| false)),
        })?;
        Ok(match answered {
            Some(true) => Ok(keeper),
            _ => Err(fs::read_to_string(&log).unwrap_or_default()),
        })
    }

    /// What has to stand before a program's name and arguments, for it to see the disk.
    pub(super) fn entrance(&self, sandbox: &Path) -> Vec<String> {
        let users: &[&str] = if self.has_users { &["-U", "--preserve-credentials"] } else { &[] };
        let pid = self.keeper.pid().to_string();
        let before = ["nsenter", "-t", &pid, "-m"].into_iter().chain(users.iter().copied());
        before.chain(["sh", "-c", BECOME]).map(str::to_owned).chain([sandbox.display().to_string()]).collect()
    }

    /// Where others than the server see it.
    pub(super) fn path_from_outside(&self) -> PathBuf {
        let inside = self.directory.strip_prefix("/").unwrap_or(&self.directory);
        Path::new("/proc").join(self.keeper.pid().to_string()).join("root").join(inside)
    }

    /// Writes until so many bytes are left, and never into those: who has to go on, like RabbitMQ, may not survive a moment without
    /// room.
    pub(super) fn fill(&self, left: u64) -> Result<(), ServerError> {
        let path = self.filler();
        let fill = || -> std::io::Result<()> {
            let mut file = File::options().create(true).append(true).open(&path)?;
            if left == 0 { fill_up(&mut file) } else { write_zeros(&mut file, self.room()?.saturating_sub(left)) }
        };
        fill().attempt(|| format!("fill the disk with {}", path.display()))
    }

    /// How many bytes may still be written.
    fn room(&self) -> std::io::Result<u64> {
        let asked = Command::new("stat").args(["-f", "-c", "%a %S"]).arg(self.path_from_outside()).output()?;
        let text = String::from_utf8_lossy(&asked.stdout);
        let numbers: Vec<u64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [blocks, size] => Ok(blocks * size),
            _ => Err(std::io::Error::other(format!(
                "`stat -f` did not say how much room there is: {text}{}",
                String::from_utf8_lossy(&asked.stderr)
            ))),
        }
    }

    /// Takes away what filled it.
    pub(super) fn free(&self) -> Result<(), ServerError> {
        let path = self.filler();
        fs::remove_file(&path).attempt(|| format!("remove {}", path.display()))
    }

    fn filler(&self) -> PathBuf {
        self.path_from_outside().join("filler")
    }
}

/// Down to the last page.
fn fill_up(file: &mut File) -> std::io::Result<()> {
    let mut block = vec![0; BLOCK];
    while !block.is_empty() {
        match file.write(&block) {
            Ok(size) if size > 0 => {}
            Ok(_) => block.truncate(block.len() / 2),
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => block.truncate(block.len() / 2),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn write_zeros(file: &mut File, mut count: u64) -> std::io::Result<()> {
    let block = vec![0; BLOCK];
    while count > 0 {
        let size = usize::try_from(count).map_or(BLOCK, |count| count.min(BLOCK));
        file.write_all(&block[..size])?;
        count -= size as u64;
    }
    Ok(())
}
