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
        ("kafka://k/?compression=zstd", "`gzip`"),
        ("kafka://k/?partitions=0", "at least 1"),
        ("kafka://k/?sasl=plain", "needs a user"),
        ("kafka://shop@k/", "without a password"),
        ("kafka://k/?ca=/x.pem", "begins with kafkas://"),
        ("kafka://k/?drain_timeout=1h", "at most 4m"),
        ("kafka://k/?prefix=a/b", "for example `staging.`"),
    ] {
        let error = parse(url).unwrap_err();
        assert!(error.contains(said), "{url}: {error}");
    }
}

#[cfg(not(feature = "kafka-tls"))]
#[test]
fn what_needs_a_feature_names_it() {
    for url in ["kafkas://k/", "kafka://u:p@k/?sasl=scram-sha-256"] {
        let error = parse(url).unwrap_err();
        assert!(error.contains("feature `kafka-tls`"), "{error}");
    }
}
