//! With a stand-in for the engine: it takes the arguments of `run`, and starts what it is told to start in a session of its own, as
//! an engine does, that outlives its client. No container is made; that takes an engine and images (docs/testing.md).

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;
use crate::testing::servers::sandbox::Sandbox;

const STAND_IN: &str = r#"#!/bin/sh
echo "$@" >>"$0.log"
for name in $(env | sed -n 's/^\([A-Za-z_]*\)=.*/\1/p'); do
    [ "$name" = PATH ] || unset "$name"
done
[ "$1" = run ] || exit 2
shift
while :; do
    case "$1" in
        --rm | --network=host | --pid=host) shift ;;
        --user | --volume) shift 2 ;;
        --workdir) cd "$2" && shift 2 ;;
        --env) export "$2" && shift 2 ;;
        --entrypoint) [ "$2" = sh ] && shift 2 && break ;;
        *) exit 2 ;;
    esac
done
shift
# As an image has a PATH of its own: Debian's wrapper of RabbitMQ is not in it.
PATH=/usr/lib/rabbitmq/bin:$PATH
setsid sh "$@" &
wait $!
"#;

/// The servers' own tests, run again where the environment names an engine.
#[test]
fn servers_that_an_engine_runs_live_and_die_as_without() {
    let sandbox = Sandbox::create("engine").unwrap();
    let engine = sandbox.write("stand-in", STAND_IN).unwrap();
    fs::set_permissions(&engine, fs::Permissions::from_mode(0o755)).unwrap();
    let tests = [
        "testing::servers::redis::tests::",
        "testing::servers::rabbitmq::tests::a_server_is_paused",
        "testing::servers::rabbitmq::tests::a_killed_test_process",
        "testing::servers::kafka::tests::a_broker_is_paused",
    ];
    let ran = Command::new(env::current_exe().unwrap())
        .args(tests)
        .env(ENGINE, &engine)
        .env(REDIS.variable, "stand/redis:1")
        .env(RABBITMQ.variable, "stand/rabbitmq:1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}");
    let asked = fs::read_to_string(engine.with_extension("log")).unwrap();
    for (image, program) in [("stand/redis:1", "redis-server"), ("stand/rabbitmq:1", "rabbitmq-server"), (JAVA.official, "kafka.Kafka")] {
        assert!(asked.lines().any(|line| line.contains(image) && line.contains(program)), "{image} was not asked for {program}: {asked}");
    }
}
