use super::*;

fn parse(url: &str) -> Result<KafkaConfig, String> {
    url.parse::<KafkaConfig>().map_err(|error| error.to_string())
}

#[test]
fn everything_in_a_url_is_read() {
    let config =
        parse("kafka://shop:p%40ss%3F@k1,k2:9094,[::1]:1/?window=5&ladder=1s,5m&compression=lz4&replication=3&partitions=12").unwrap();
    assert_eq!(config.hosts, [("k1".to_owned(), 9092), ("k2".to_owned(), 9094), ("::1".to_owned(), 1)]);
    assert_eq!((config.user.as_deref(), config.password.as_str()), (Some("shop"), "p@ss?"));
    assert_eq!((config.window, config.replication, config.partitions), (5, Some(3), 12));
    assert_eq!((config.compression, config.ladder.len()), (Compression::Lz4, 2));
    assert_eq!(config.bootstrap(), "k1:9092,k2:9094,[::1]:1");
    assert_eq!(parse("kafka://").unwrap(), KafkaConfig::default());
}

#[test]
fn the_password_is_shown_nowhere() {
    let config = parse("kafka://shop:secret@k1/").unwrap();
    assert!(!format!("{config} {config:?}").contains("secret"));
    for wrong in ["kafka://shop:secret@k1/?no=1", "kafka://shop:secret@k1/?window=x", "kafka://shop:sec/ret@k1/"] {
        let error = parse(wrong).unwrap_err();
        assert!(!error.contains("secret") && !error.contains("sec/"), "{error}");
    }
}

#[test]
fn what_contradicts_itself_is_refused_with_what_to_write() {
    for (url, said) in [
        ("amqp://k", "use kafka:// or kafkas://"),
        ("kafka://k/orders", "has no path"),
        ("kafka://k/?windw=1", "did you mean `window`?"),
        ("kafka://k/?window=0", "between 1 and 1000000"),
        ("kafka://k/?ladder=5s,1s", "ascending order"),
        ("kafka://k/?heartbeat=20s", "a third of `session_timeout`"),
        ("kafka://k/?linger=40s", "shorter than `publish_timeout`"),
        ("kafka://k/?compression=brotli", "`lz4` or `zstd`"),
        ("kafka://k/?partitions=0", "at least 1"),
        ("kafka://k/?sasl=plain", "needs a user"),
        ("kafka://shop@k/", "without a password"),
        ("kafka://k/?ca=/x.pem", "begins with kafkas://"),
        ("kafka://k/?drain_timeout=1h", "at most 4m"),
        ("kafka://k/?prefix=a/b", "for example `staging.`"),
        ("kafka://k/?ladder=1s,400h", "at most 312h"),
        ("kafka://k/?publish_timeout=0s", "above zero"),
        ("kafka://k/?drain_timeout=500ms", "at least as long as `heartbeat`"),
        ("kafka://k/?silence=500ms", "between 2s and 5m"),
        ("kafka://k/?statistics=50ms", "between 100ms and 1h, or 0s"),
        ("kafka://k/?statistics=2h", "between 100ms and 1h, or 0s"),
        ("kafka://k/?statistics.interval.ms=1000", "`statistics=10s`"),
        ("kafka://k/?acks=1", "all replicas that are in sync"),
        ("kafka://k/?max.poll.interval.ms=1000", "`drain_timeout`, at most 4m"),
        ("kafka://k/?enable.auto.commit=true", "what is settled"),
        ("kafka://k/?transactional.id=x", "publishing is idempotent"),
        ("kafka://k/?min.insync.replicas=2", "belongs to the topic"),
        ("kafka://u:p@k/?token_url=https://idp/token", "needs `sasl=oauthbearer`"),
        ("kafka://u:p@k/?token_scope=kafka", "need `sasl=oauthbearer` and `token_url`"),
        ("kafka://u:p@k/?sasl.oauthbearer.client.id=x", "the client's id and secret"),
    ] {
        let error = parse(url).unwrap_err();
        assert!(error.contains(said), "{url}: {error}");
    }
}

#[cfg(feature = "kafka-oauth")]
#[test]
fn tokens_are_asked_for_where_the_url_says() {
    let config =
        parse("kafkas://client:s3cret@k/?sasl=oauthbearer&token_url=https://idp:1/token&token_scope=a%20b&token_extensions=x=1,y=2");
    let config = config.unwrap();
    assert_eq!((config.sasl, config.token_url.as_deref()), (Sasl::OAuthBearer, Some("https://idp:1/token")));
    assert_eq!((config.token_scope.as_deref(), config.token_extensions.as_deref()), (Some("a b"), Some("x=1,y=2")));
    for (options, said) in [
        ("", "needs `token_url`"),
        ("&token_url=idp/token", "begins with https://"),
        ("&token_url=https:///token", "begins with https://"),
        ("&token_url=https://client:s3cret@idp/token", "no user or password"),
        ("&token_url=http://idp/token&token_ca=/x.pem", "needs a `token_url` that begins with https://"),
        ("&token_url=https://idp/token&token_extensions=x", "names and values"),
    ] {
        let error = parse(&format!("kafkas://client:s3cret@k/?sasl=oauthbearer{options}")).unwrap_err();
        assert!(error.contains(said) && !error.contains("s3cret"), "{options}: {error}");
    }
    assert!(parse("kafka://k/?sasl=oauthbearer&token_url=https://idp/token").unwrap_err().contains("needs a user"));
}

#[cfg(not(feature = "kafka-oauth"))]
#[test]
fn tokens_need_their_feature() {
    let error = parse("kafka://u:p@k/?sasl=oauthbearer&token_url=https://idp/token").unwrap_err();
    assert!(error.contains("feature `kafka-oauth`"), "{error}");
}

#[cfg(not(feature = "kafka-tls"))]
#[test]
fn what_needs_a_feature_names_it() {
    for url in ["kafkas://k/", "kafka://u:p@k/?sasl=scram-sha-256"] {
        let error = parse(url).unwrap_err();
        assert!(error.contains("feature `kafka-tls`"), "{error}");
    }
}
