use super::*;
use crate::broker::BrokerErrorKind;

fn parse(url: &str) -> RabbitMqConfig {
    url.parse().unwrap()
}

fn error(url: &str) -> String {
    let error = url.parse::<RabbitMqConfig>().unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Config);
    error.to_string()
}

#[test]
fn a_url_names_everything() {
    let config = parse(
        "amqp://me:p%40ss@h1:1,h2/my%2Fhost?heartbeat=5s&queue=classic&max_message=1KiB&ladder=100ms,1s&publish_timeout=2m&window=7&connection_name=a%20b&exchange=x",
    );
    assert_eq!((config.user.as_str(), config.password.as_str(), config.vhost.as_str()), ("me", "p@ss", "my/host"));
    assert_eq!(config.hosts, [("h1".to_owned(), 1), ("h2".to_owned(), 5672)]);
    assert_eq!((config.heartbeat, config.publish_timeout), (Duration::from_secs(5), Duration::from_secs(120)));
    assert_eq!((config.queue, config.max_message, config.window), (QueueKind::Classic, 1024, 7));
    assert_eq!(config.ladder, [Duration::from_millis(100), Duration::from_secs(1)]);
    assert_eq!((config.connection_name.as_deref(), config.exchange.as_str()), (Some("a b"), "x"));
}

#[test]
fn what_is_left_out_has_a_default() {
    assert_eq!(parse("amqp://"), RabbitMqConfig::default());
    assert_eq!(parse("amqp://localhost/"), RabbitMqConfig::default());
    assert_eq!(parse("amqp://[::1]").hosts, [("::1".to_owned(), 5672)]);
    assert_eq!(parse("amqp://[::1]:7").hosts, [("::1".to_owned(), 7)]);
}

#[test]
fn the_password_is_never_shown() {
    let config = parse("amqp://me:secret@h/v");
    assert!(!format!("{config} {config:?}").contains("secret"));
    assert!(!error("amqp://me:secret%zz@h/v").contains("secret"));
    assert!(!error("amqp://me:secret@h:x/v").contains("secret"));
    for url in ["amqp://me:sec/ret@h/v", "amqp://me:sec?ret@h/v", "amqp://me:/secret@h", "amqp://sec#x/ret@h"] {
        let text = error(url);
        assert!(!text.contains("sec") && !text.contains("ret@") && text.contains("%2F"), "{text}");
    }
}

#[test]
fn a_misspelt_option_is_an_error_with_a_suggestion() {
    let text = error("amqp://h/?hartbeat=5s");
    assert!(text.contains("`hartbeat`") && text.contains("did you mean `heartbeat`") && text.contains("max_message"), "{text}");
}

#[test]
fn values_that_make_no_sense_are_refused() {
    for url in [
        "http://h",
        "h",
        "amqp://h:x",
        "amqp://h/?ladder=5s,1s",
        "amqp://h/?ladder=",
        "amqp://h/?heartbeat=5",
        "amqp://h/?heartbeat=0s",
        "amqp://h/?queue=lazy",
        "amqp://h/?window=0",
        "amqp://h/?consumer_timeout=0s",
        "amqp://h/?consumer_timeout=never",
        "amqp://h/?ca=x",
        "amqp://h/?exchange=amq.topic",
        "amqp://h/?single_active=yes",
        "amqp://h/?queue=classic&max_priority=0",
        "amqp://h/?queue=classic&max_priority=256",
        "amqp://h,,h",
    ] {
        error(url);
    }
}

#[test]
fn priorities_need_classic_queues() {
    let text = error("amqp://h/?max_priority=5");
    assert!(text.contains("`queue=classic`"), "{text}");
    let config = parse("amqp://h/?queue=classic&max_priority=5&single_active=true");
    assert_eq!((config.max_priority, config.single_active), (Some(5), true));
}
