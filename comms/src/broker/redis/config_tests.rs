use super::*;
use crate::broker::BrokerErrorKind;

fn parse(url: &str) -> RedisConfig {
    url.parse().unwrap()
}

fn refused(url: &str) -> String {
    let error = url.parse::<RedisConfig>().unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Config, "{error}");
    error.to_string()
}

#[test]
fn what_is_left_out_is_as_documented() {
    let config = parse("redis://");
    assert_eq!((config.host.as_str(), config.port, config.database), ("localhost", 6379, 0));
    assert_eq!((config.user.as_deref(), config.prefix.as_str(), config.durable, config.retain), (None, "comms", false, 10_000));
    assert_eq!((config.lease, config.heartbeat), (Duration::from_secs(30), Duration::from_secs(5)));
    assert_eq!(config, RedisConfig::default());
}

#[test]
fn everything_can_be_given() {
    let config = parse(
        "redis://shop:p%40ss%2Fword@[::1]:7000/3?prefix=a.b-c&durable=true&retain=5&lease=4s&heartbeat=1s&connection_name=x\
         &connect_timeout=1m&publish_timeout=250ms&window=7&max_message=1KiB",
    );
    assert_eq!((config.user.as_deref(), config.password.as_deref()), (Some("shop"), Some("p@ss/word")));
    assert_eq!((config.host.as_str(), config.port, config.database), ("::1", 7000, 3));
    assert_eq!((config.prefix.as_str(), config.durable, config.retain, config.window), ("a.b-c", true, 5, 7));
    assert_eq!((config.lease, config.heartbeat), (Duration::from_secs(4), Duration::from_secs(1)));
    assert_eq!((config.connect_timeout, config.publish_timeout), (Duration::from_secs(60), Duration::from_millis(250)));
    assert_eq!((config.max_message, config.connection_name.as_deref()), (1024, Some("x")));
    assert!(config.capabilities().durable && !parse("redis://h").capabilities().durable);
}

#[test]
fn sentinels_are_several_and_have_a_port_of_their_own() {
    let config = parse("redis://shop:x@a,b:7000/2?sentinel=main");
    assert_eq!(config.sentinels, [("a".to_owned(), 26379), ("b".to_owned(), 7000)]);
    assert_eq!((config.sentinel.as_deref(), config.to_string().as_str()), (Some("main"), "redis://shop@a:26379,b:7000/2"));
}

#[test]
fn the_nodes_of_a_cluster_are_several() {
    let config = parse("redis://shop:x@a,b:7000?cluster=true&hash_tag=prefix");
    assert_eq!(config.nodes, [("a".to_owned(), 6379), ("b".to_owned(), 7000)]);
    assert_eq!((config.hash_tag, config.to_string().as_str()), (HashTag::Prefix, "redis://shop@a:6379,b:7000/0"));
    assert_eq!((parse("redis://h?cluster=true").hash_tag, parse("redis://a?cluster=true").cluster), (HashTag::Word, true));
}

#[test]
fn what_sentinels_want_is_given_apart_and_never_shown() {
    let config = parse("redis://shop:x@a?sentinel=main&sentinel_user=asker&sentinel_password=hunt%26er2");
    assert_eq!((config.sentinel_user.as_deref(), config.sentinel_password.as_deref()), (Some("asker"), Some("hunt&er2")));
    assert!(!format!("{config} {config:?}").contains("hunt"));
    assert!(!refused("redis://h?sentinel_password=hunter2").contains("hunter2"));
}

#[test]
fn the_password_is_never_shown() {
    let config = parse("redis://shop:hunter2@mq/1");
    assert_eq!(config.to_string(), "redis://shop@mq:6379/1");
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(!refused("redis://shop:hun/ter2@mq/1").contains("ter2"));
}

#[test]
fn what_can_not_be_meant_is_refused_with_what_to_write() {
    for (url, advice) in [
        ("redis", "redis://"),
        ("http://h", "use redis:// or rediss://"),
        ("redis://h/x", "number of a database"),
        ("redis://a:1,b:2/", "`cluster=true`, or sentinels"),
        ("redis://h?cluster=yes", "`true` or `false`"),
        ("redis://h/1?cluster=true", "by the option `prefix`"),
        ("redis://h?cluster=true&durable=true", "exclude each other"),
        ("redis://h?cluster=true&sentinel=x", "exclude each other"),
        ("redis://h?cluster=true&hash_tag=topic", "`word` or `prefix`"),
        ("redis://h?hash_tag=prefix", "cluster=true"),
        ("redis://h?sentinel_password=x", "by the option `sentinel`"),
        ("redis://h?sentinel=x&sentinel_user=y", "needs `sentinel_password`"),
        ("redis://h?sentinel=", "the name by which"),
        ("redis://h?sentinel=x&durable=true", "exclude each other"),
        ("redis://h?wait=x", "for example 1"),
        ("redis://h?wait=1&wait_timeout=5s", "less than `heartbeat`"),
        ("redis://h?wait_timeout=2s", "wait=1"),
        ("redis://h?leese=1s", "did you mean `lease`?"),
        ("redis://h?lease=5", "30s"),
        ("redis://h?lease=5s&heartbeat=2s", "write lease=8000ms"),
        ("redis://h?durable=yes", "`true` or `false`"),
        ("redis://h?window=0", "at least 1"),
        ("redis://h?prefix=a:b", "letters, digits"),
        ("redis://h?max_message=1GiB", "at most 512MiB"),
        ("redis://h?ca=x", "rediss://"),
        ("redis://shop@h", "user:password@host"),
    ] {
        let error = refused(url);
        assert!(error.contains(advice), "{url}: {error}");
    }
}

#[test]
fn tls_needs_its_feature_and_its_files_in_pairs() {
    if cfg!(feature = "redis-tls") {
        assert!(parse("rediss://h?ca=x&cert=y&key=z").tls);
        assert!(refused("rediss://h?cert=y").contains("belong together"));
    } else {
        assert!(refused("rediss://h").contains("feature `redis-tls`"));
    }
}
