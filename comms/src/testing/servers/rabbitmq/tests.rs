//! Against the real server; `./test` installs it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::node::greets;
use super::{Permissions, RabbitMq};
use crate::testing::servers::ServerError;
use crate::testing::servers::process::poll;

/// Set in the process that `a_killed_test_process_leaves_nothing_behind` starts and kills.
const VICTIM: &str = "COMMS_TEST_VICTIM";

fn directory(server: &RabbitMq) -> PathBuf {
    server.node.sandbox.directory().to_owned()
}

/// Processes that live in the directory: by environment, by arguments or by working directory.
/// Zombies don't count, they are only an entry for whoever should have waited for them.
fn processes_in(directory: &Path) -> Vec<String> {
    let needle = directory.to_str().unwrap().as_bytes();
    let mentions = |file: PathBuf| {
        let text = std::fs::read(file).unwrap_or_default();
        text.windows(needle.len()).any(|window| window == needle)
    };
    let lives_there = |process: &Path| {
        mentions(process.join("environ"))
            || mentions(process.join("cmdline"))
            || process.join("cwd").read_link().is_ok_and(|cwd| cwd.starts_with(directory))
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .map(|entry| entry.path())
        .filter(|process| lives_there(process))
        .map(|process| std::fs::read_to_string(process.join("comm")).unwrap_or_default())
        .collect()
}

fn assert_nothing_left(directory: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let gone = || !directory.exists() && processes_in(directory).is_empty();
    let result = poll(Some(deadline), || Ok(gone().then_some(()))).unwrap();
    assert!(result.is_some(), "{} exists: {}; processes in it: {:?}", directory.display(), directory.exists(), processes_in(directory));
}

#[tokio::test]
async fn two_servers_run_side_by_side_and_leave_nothing_behind_when_dropped() {
    let (one, two) = tokio::join!(RabbitMq::start(), RabbitMq::start());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.port(), two.port());
    one.add_vhost("only-in-one").await.unwrap();
    let vhosts = two.ctl(&["list_vhosts"]).await.unwrap();
    assert!(!vhosts.contains("only-in-one"), "{vhosts}");

    let directories = [directory(&one), directory(&two)];
    assert!(processes_in(&directories[0]).len() >= 3, "server, epmd, watchdog");
    drop((one, two));
    directories.iter().for_each(|directory| assert_nothing_left(directory));
}

#[tokio::test]
async fn a_server_is_paused_stopped_killed_and_restarted_on_its_port() {
    let server = RabbitMq::start().await.unwrap();
    let first = server.pid().unwrap();
    server.pause().await.unwrap();
    assert!(!greets(server.address()), "a paused server answered");
    server.resume().await.unwrap();
    assert!(greets(server.address()), "a resumed server did not answer");

    server.restart().await.unwrap();
    assert_ne!(server.pid().unwrap(), first);
    assert!(greets(server.address()), "a restarted server did not answer");

    server.pause().await.unwrap();
    server.stop().await.unwrap();
    assert!(!greets(server.address()), "a stopped server answered");
    assert!(matches!(server.pause().await, Err(ServerError::NotRunning { .. })));
    let refused = server.queues().await.unwrap_err();
    assert!(refused.to_string().contains("call `restart()` first"), "{refused}");

    server.restart().await.unwrap();
    server.kill().await.unwrap();
    assert!(!greets(server.address()), "a killed server answered");
    server.restart().await.unwrap();
    assert!(greets(server.address()), "a restarted server did not answer");
}

#[tokio::test(start_paused = true)]
async fn a_memory_alarm_is_raised_and_cleared_also_while_the_clock_is_paused() {
    let server = RabbitMq::start().await.unwrap();
    let alarms = async || server.ctl(&["eval", "rabbit_alarm:get_alarms()."]).await.unwrap();
    server.raise_memory_alarm().await.unwrap();
    assert!(alarms().await.contains("memory"), "{}", alarms().await);
    server.clear_memory_alarm().await.unwrap();
    assert!(!alarms().await.contains("memory"), "{}", alarms().await);
}

#[tokio::test]
async fn users_vhosts_permissions_and_policies_are_administered() {
    let server = RabbitMq::shared().await;
    server.add_vhost("shop/eu").await.unwrap();
    server.add_user("reader", "-s3cret").await.unwrap();
    let permissions = Permissions { configure: "^$".to_owned(), write: "^$".to_owned(), read: "^orders\\.".to_owned() };
    server.set_permissions("shop/eu", "reader", &permissions).await.unwrap();
    let granted = server.ctl(&["list_permissions", "-p", "shop/eu"]).await.unwrap();
    assert!(granted.contains("reader\t^$\t^$\t^orders"), "{granted}");
    assert!(granted.contains("guest\t.*\t.*\t.*"), "{granted}");

    let definition = json!({ "max-length": 10 });
    server.declare_policy("shop/eu", "short", "^orders", &definition).await.unwrap();
    let policies = server.ctl(&["list_policies", "-p", "shop/eu"]).await.unwrap();
    assert!(policies.contains("max-length"), "{policies}");
    assert!(server.url_for("shop/eu").ends_with("/shop%2feu"));
}

#[tokio::test]
async fn a_refused_command_says_what_was_run_and_what_was_answered() {
    let server = RabbitMq::shared().await;
    let all = Permissions::all();
    let refused = server.set_permissions("nowhere", "guest", &all).await.unwrap_err();
    let refused = refused.to_string();
    assert!(refused.contains("set_permissions -p nowhere guest"), "{refused}");
    assert!(refused.contains("Virtual host nowhere does not exist"), "{refused}");
}

#[tokio::test]
async fn a_server_that_ends_before_it_is_ready_shows_its_log() {
    let builder = RabbitMq::builder().config("no.such.key = 1");
    let error = builder.start().await.unwrap_err();
    assert!(matches!(error, ServerError::Exited { .. }), "{error}");
    assert!(error.to_string().contains("no.such.key"), "{error}");
}

/// The process that the next test kills; by itself, as one of the tests, it does nothing.
#[tokio::test]
async fn victim_of_the_next_test() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    let server = RabbitMq::shared().await;
    std::fs::write(std::env::var_os(VICTIM).unwrap(), directory(server).to_str().unwrap()).unwrap();
    std::future::pending().await
}

fn start_victim(report: &Path) -> Child {
    let name = format!("{}::victim_of_the_next_test", module_path!().split_once("::").unwrap().1);
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture"])
        .env(VICTIM, report)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_test_process_leaves_nothing_behind() {
    let report = std::env::temp_dir().join(format!("comms-victim-{}", std::process::id()));
    let mut victim = start_victim(&report);
    let deadline = Instant::now() + Duration::from_secs(120);
    let reported = || std::fs::read_to_string(&report).ok().filter(|text| !text.is_empty());
    let directory = poll(Some(deadline), || Ok(reported())).unwrap();
    let lived = directory.as_ref().map(|directory| processes_in(Path::new(directory)));
    victim.kill().unwrap();
    victim.wait().unwrap();
    let _ = std::fs::remove_file(&report);

    let said: Vec<_> = BufReader::new(victim.stdout.unwrap()).lines().collect();
    let directory = PathBuf::from(directory.unwrap_or_else(|| panic!("no server: {said:?}")));
    assert!(lived.unwrap().iter().any(|name| name.contains("beam")));
    assert_nothing_left(&directory);
}

#[cfg(feature = "rabbitmq")]
mod with_a_client;
