//! Applications on Redis Pub/Sub, which delivers at most once.

use comms::testing::servers;
use comms::{AppBuilder, Classified, Publisher, event_handler, service};
use comms_faults::parts::{Job, Outcome, Script, Sorted, Worker, scripted};
use comms_faults::record::Seen;
use comms_faults::world::configured;

async fn url(prefix: &str) -> String {
    format!("{}?prefix={prefix}", servers::Redis::shared().await.url().replace("redis://", "redis+pubsub://"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_can_not_do_is_refused_at_start_with_what_to_write() {
    let well = || Script::now(|_| Ok(()));
    let url = url("refused").await;
    for (app, advice) in [
        (scripted::<Worker>(well()), "write `retry(max = 1, immediate = 1)`"),
        (scripted::<Sorted>(well()), "with `ordered`, but the broker `default` (redis+pubsub) delivers at most once"),
    ] {
        let error = app.config(configured(&url)).start().await.map(drop).expect_err("refused").to_string();
        assert!(error.contains(advice), "{error}");
    }
}

/// Retries while it has the message in hand.
#[service(name = "ticker", version = "1.0.0", subscribe("jobs", concurrency = 1))]
#[derive(Debug)]
struct Ticker {
    attempts: Seen,
}

#[service]
impl Ticker {
    #[event_handler(retry(max = 2, immediate = 2, backoff = "10ms..20ms"), timeout = "1s")]
    async fn on_job(&self, job: Job) -> Outcome {
        let begun = self.attempts.add(job.label());
        match (job.key.as_str(), begun) {
            ("a", 1) | ("b", _) => Err(Classified::retryable("not now")),
            _ => Ok(()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_is_called_and_retried_in_hand_and_what_it_gives_up_holds_up_nothing() {
    let seen = Seen::default();
    let app = AppBuilder::new("ticker").service::<Ticker>().event_handler::<__comms_Ticker_on_job>().provide(seen.clone());
    let app = app.config(configured(&url("handled").await)).start().await.expect("started");
    let publisher: Publisher<Job> = app.inject().expect("a publisher");
    for key in ["a", "b", "c"] {
        publisher.publish(&Job::new(key, 1)).await.expect("published");
    }
    seen.until_there_are(6).await;
    assert_eq!(seen.entries(), ["a1", "a1", "b1", "b1", "b1", "c1"]);
    app.shutdown().await;
}
