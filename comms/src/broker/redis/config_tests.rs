use super::*;

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
        ("redis://a:1,b:2/", "Cluster and Sentinel are not supported"),
        ("redis://h?sentinel=x", "not supported yet"),
        ("redis://h?wait=1", "not supported yet"),
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
