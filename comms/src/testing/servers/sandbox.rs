//! A temporary directory and the processes in it, none of which outlives the test.
//!
//! # How nothing is left behind
//!
//! A destructor is not enough: it doesn't run for statics, nor when the test process is killed. So
//! each sandbox has a watchdog, a small `sh` that waits for the end of its standard input, the
//! other end of which only the test process holds. The kernel closes that end however the process
//! dies (`kill -9` included), the watchdog wakes up, kills what is recorded in `pids/` and removes
//! the directory. Dropping the sandbox closes the pipe too: one way of cleaning up for all cases.
//!
//! Alternatives that lost: polling for the parent's pid (slow, and pids are used again);
//! `setpriv --pdeathsig` (Linux only, tied to the *thread* that spawned, and leaves the directory).
//!
//! A program is started by an `sh` that records its own pid and then becomes the program. The
//! watchdog renames `pids/` before it reads it: a program that has not yet recorded its pid by then
//! fails to do so and never starts, one that has is in the list. There is no gap in between.

use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ServerError;
use super::disk::Disk;
use super::error::Attempt;
use super::process::Process;
use super::program::Program;

const WATCHDOG: &str = r#"
trap '' HUP INT TERM
mkdir -m 700 "$1" "$1/pids" || exit 1
echo ready
while read -r _; do :; done
mv "$1/pids" "$1/dead"
for file in "$1"/dead/*.pid; do
  [ -f "$file" ] && kill -s KILL -- "-$(cat "$file")"
done
tries=0
until rm -rf "$1" || [ "$tries" -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
"#;

const RECORD_PID_AND_BECOME: &str = r#"echo "$$" >"$0.new" && mv "$0.new" "$0" && exec "$@" || exit 126"#;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Sandbox {
    directory: PathBuf,
    lifeline: Option<ChildStdin>,
    watchdog: Child,
    spawned: AtomicU64,
    disk: Option<Disk>,
}

impl Sandbox {
    /// Makes a directory `comms-{name}-…` below the system's temporary directory.
    pub(super) fn create(name: &str) -> Result<Self, ServerError> {
        let unique = RandomState::new().build_hasher().finish();
        let directory = std::env::temp_dir().join(format!("comms-{name}-{unique:016x}"));
        let mut watchdog = watchdog(&directory).spawn().attempt(|| "start `sh`, which watches over the server".to_owned())?;
        await_ready(&mut watchdog, &directory)?;
        Ok(Self { lifeline: watchdog.stdin.take(), directory, watchdog, spawned: AtomicU64::new(0), disk: None })
    }

    /// The same, with a disk of its own of so many bytes for what servers keep in `data`, if it is to have one.
    pub(super) fn create_with_disk(name: &str, size: Option<u64>) -> Result<Self, ServerError> {
        let mut sandbox = Self::create(name)?;
        if let Some(size) = size {
            sandbox.disk = Some(Disk::mount(&sandbox, size)?);
        }
        Ok(sandbox)
    }

    /// The directory `data` of the sandbox, as this process sees it; the server sees it as `data`.
    pub(super) fn data_directory(&self) -> PathBuf {
        self.disk.as_ref().map_or_else(|| self.directory.join("data"), Disk::path_from_outside)
    }

    /// Fills the disk but for so many bytes.
    pub(super) fn fill_disk(&self, left: u64) -> Result<(), ServerError> {
        self.own_disk("fill")?.fill(left)
    }

    /// Ends that.
    pub(super) fn free_disk(&self) -> Result<(), ServerError> {
        self.own_disk("free")?.free()
    }

    fn own_disk(&self, what: &str) -> Result<&Disk, ServerError> {
        let none = || std::io::Error::other("it has none of its own: ask the builder for a `disk`");
        self.disk.as_ref().ok_or_else(none).attempt(|| format!("{what} the disk of the server in {}", self.directory.display()))
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes a file of the sandbox and returns its path.
    pub(super) fn write(&self, name: &str, content: &str) -> Result<PathBuf, ServerError> {
        let path = self.directory.join(name);
        fs::write(&path, content).attempt(|| format!("write {}", path.display()))?;
        Ok(path)
    }

    /// Starts `program` with nothing but these variables in its environment, in a process group of
    /// its own (a Ctrl-C at the terminal is for the test, not for its servers).
    pub(super) fn spawn(
        &self,
        program: &Program,
        arguments: &[&str],
        environment: &[(&str, String)],
        output: Output<'_>,
    ) -> Result<Process, ServerError> {
        let (stdout, stderr) = output.open()?;
        let pid_file = self.next_pid_file();
        let entrance = self.entrance(program)?;
        let spawn = |mut shell: Command| {
            shell
                .args(["-c", RECORD_PID_AND_BECOME])
                .arg(&pid_file)
                .args(entrance)
                .arg(&program.path)
                .args(arguments)
                .current_dir(&self.directory)
                .stdin(Stdio::null())
                .stdout(stdout)
                .stderr(stderr)
                .process_group(0)
                .spawn()
        };
        let child = self.shell(program, environment).and_then(spawn).attempt(|| format!("start {}", program.path.display()))?;
        Ok(Process::new(child, pid_file, program.container.is_some()))
    }

    /// What stands before a program that is to see the disk.
    fn entrance(&self, program: &Program) -> Result<Vec<String>, ServerError> {
        match &self.disk {
            None => Ok(Vec::new()),
            Some(disk) if program.container.is_none() => Ok(disk.entrance(&self.directory)),
            Some(_) => Err(io::Error::other("a small disk is for programs of this machine, and not for those out of images"))
                .attempt(|| format!("start {} (unset COMMS_TEST_CONTAINERS)", program.path.display())),
        }
    }

    fn shell(&self, program: &Program, environment: &[(&str, String)]) -> io::Result<Command> {
        if let Some(container) = &program.container {
            return container.shell(&self.directory, environment);
        }
        let mut shell = Command::new("sh");
        shell.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        Ok(shell)
    }

    fn next_pid_file(&self) -> PathBuf {
        let number = self.spawned.fetch_add(1, Ordering::Relaxed);
        self.directory.join(format!("pids/{number}.pid"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.watchdog.wait();
    }
}

/// Where a process writes to.
pub(super) enum Output<'a> {
    /// Both streams are appended to this file.
    Log(&'a Path),
    /// Both streams are read by [`Process::output`].
    Piped,
}

impl Output<'_> {
    fn open(self) -> Result<(Stdio, Stdio), ServerError> {
        let Self::Log(path) = self else {
            return Ok((Stdio::piped(), Stdio::piped()));
        };
        let log = File::options()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|log| Ok((log.try_clone()?, log)))
            .attempt(|| format!("open the log {}", path.display()))?;
        Ok((log.0.into(), log.1.into()))
    }
}

fn watchdog(directory: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", WATCHDOG, "comms-watchdog"])
        .arg(directory)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    command
}

/// Waits until the watchdog has made the directory.
fn await_ready(watchdog: &mut Child, directory: &Path) -> Result<(), ServerError> {
    let mut line = String::new();
    if let Some(stdout) = watchdog.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).attempt(|| "read from the watchdog".to_owned())?;
    }
    if line == "ready\n" {
        return Ok(());
    }
    let _ = watchdog.wait();
    Err(io::Error::other("`mkdir` refused it"))
        .attempt(|| format!("make the temporary directory {} (is TMPDIR writable?)", directory.display()))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::process::poll;
    use super::*;

    fn sleeper(sandbox: &Sandbox) -> Process {
        let environment = [("PATH", std::env::var("PATH").unwrap())];
        let log = sandbox.directory().join("log");
        let sleep = Program { path: "sleep".into(), container: None };
        sandbox.spawn(&sleep, &["1000"], &environment, Output::Log(&log)).unwrap()
    }

    #[test]
    fn dropping_a_sandbox_removes_its_directory() {
        let sandbox = Sandbox::create("drop").unwrap();
        sandbox.write("file", "text").unwrap();
        let directory = sandbox.directory().to_owned();
        drop(sandbox);
        assert!(!directory.exists());
    }

    #[test]
    fn the_watchdog_kills_what_runs_when_only_the_pipe_closes() {
        let sandbox = Sandbox::create("watchdog").unwrap();
        let mut process = sleeper(&sandbox);
        process.await_recorded();
        drop(sandbox);
        assert!(!process.wait().unwrap().success());
    }

    #[test]
    fn a_disk_of_its_own_outlives_its_programs_and_can_be_filled_and_freed() {
        let sandbox = Sandbox::create_with_disk("disk", Some(1 << 20)).unwrap();
        let environment = [("PATH", std::env::var("PATH").unwrap())];
        let shell = Program { path: "sh".into(), container: None };
        let run = |script: &str| sandbox.spawn(&shell, &["-c", script], &environment, Output::Piped).unwrap().output().unwrap();
        assert!(run("echo first >data/kept").status.success());
        sandbox.fill_disk(0).unwrap();
        let full = run("head -c 100000 /dev/zero >data/more");
        assert!(!full.status.success() && String::from_utf8_lossy(&full.stderr).contains("No space left"), "{full:?}");
        sandbox.free_disk().unwrap();
        assert!(run("head -c 100000 /dev/zero >data/more").status.success());
        sandbox.fill_disk(300 << 10).unwrap();
        assert!(run("head -c 200000 /dev/zero >data/more").status.success());
        assert_eq!(String::from_utf8_lossy(&run("cat data/kept").stdout), "first\n");
        assert_eq!(fs::read_to_string(sandbox.data_directory().join("kept")).unwrap(), "first\n");
        let directory = sandbox.directory().to_owned();
        assert!(fs::read_dir(directory.join("data")).unwrap().next().is_none(), "nobody else sees it there");
        drop(sandbox);
        assert!(!directory.exists());
    }

    /// A server that goes on with a disk that is almost full does not get through a moment without room.
    #[test]
    fn a_disk_that_is_filled_almost_has_room_all_the_time() {
        let sandbox = Sandbox::create_with_disk("almost", Some(64 << 20)).unwrap();
        let environment = [("PATH", std::env::var("PATH").unwrap())];
        let shell = Program { path: "sh".into(), container: None };
        let script = "while [ ! -e data/end ]; do echo text >data/written || exit 1; : >data/begun; done";
        let writer = sandbox.spawn(&shell, &["-c", script], &environment, Output::Piped).unwrap();
        let disk = sandbox.disk.as_ref().unwrap().path_from_outside();
        let begun = poll(Some(Instant::now() + Duration::from_secs(30)), || Ok(disk.join("begun").exists().then_some(())));
        begun.unwrap().expect("it writes");
        for _ in 0..20 {
            sandbox.fill_disk(8 << 20).unwrap();
            sandbox.free_disk().unwrap();
        }
        fs::write(disk.join("end"), "").unwrap();
        let written = writer.output().unwrap();
        assert!(written.status.success(), "{written:?}");
    }

    #[test]
    fn a_program_that_was_not_recorded_in_time_never_starts() {
        let sandbox = Sandbox::create("late").unwrap();
        let pids = sandbox.directory().join("pids");
        fs::rename(&pids, sandbox.directory().join("dead")).unwrap();
        let status = sleeper(&sandbox).wait().unwrap();
        assert_eq!(status.code(), Some(126));
    }
}
