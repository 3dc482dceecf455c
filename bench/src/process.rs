//! What a process has used.

use std::time::Duration;

/// Clock ticks per second in `/proc`: fixed at 100 for user space on Linux (`USER_HZ`).
const TICKS: f64 = 100.0;

/// The processor time of this process so far, all threads, user and system.
#[must_use]
pub fn cpu() -> Duration {
    cpu_of(std::process::id())
}

/// The same of another one.
#[must_use]
pub fn cpu_of(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("Linux: /proc/PID/stat");
    // The name of the program is in parentheses and may hold anything; the fields are counted behind it.
    let (_, fields) = stat.rsplit_once(')').expect("a program name in parentheses");
    let ticks: u32 = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u32>().expect("a number")).sum();
    Duration::from_secs_f64(f64::from(ticks) / TICKS)
}
