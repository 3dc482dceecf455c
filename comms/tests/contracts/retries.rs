//! What becomes of a message whose handler failed for a call: by the class of the call's error, and not before the service that
//! was called wants to be asked again.

use std::time::Duration;

use comms::client::CallError;
use comms::handler::Happening;
use comms::http::Problem;
use comms::testing::TestApp;
use comms::{AppBuilder, BoxError, Class, Classified, Classify, event, event_handler, service};

use super::keys::{Busy, DeskClient, DeskFake};

/// A letter is to be brought to the desk.
#[event(name = "test.letter", version = 1, topic = "mail")]
#[derive(Clone, Debug)]
struct Letter {
    /// How the error of the call leaves the handler.
    way: String,
}

/// The same with an error that speaks for itself.
#[event(name = "test.parcel", version = 1, topic = "mail")]
#[derive(Clone, Debug)]
struct Parcel {}

#[derive(Debug, thiserror::Error)]
#[error("it was not brought")]
struct NotBrought<E: std::fmt::Debug + std::fmt::Display + 'static>(#[source] CallError<E>);

impl Classify for NotBrought<Busy> {
    fn class(&self) -> Class {
        Class::Unknown
    }
}

#[service(name = "courier", version = "1.0.0", subscribe("mail"))]
struct Courier {
    desk: DeskClient,
}

#[service]
impl Courier {
    #[event_handler(retry(max = 1, immediate = 1, backoff = "100ms..20s"))]
    async fn on_letter(&self, letter: Letter) -> Result<(), BoxError> {
        match letter.way.as_str() {
            "as it is" => self.desk.own().await?,
            "below" => self.desk.own().await.map_err(NotBrought)?,
            "another problem" => self.desk.other().await.map_err(NotBrought)?,
            _ => return Err(Classified::retryable("closed").retry_after(Duration::from_secs(3)).into()),
        }
        Ok(())
    }

    #[event_handler(retry(max = 1, immediate = 1, backoff = "100ms..2s"))]
    async fn on_parcel(&self, _parcel: Parcel) -> Result<(), NotBrought<Busy>> {
        self.desk.own().await.map_err(NotBrought)
    }
}

async fn courier(desk: &DeskFake) -> TestApp {
    let app = AppBuilder::new("courier").service::<Courier>().client::<DeskClient>();
    let app = app.event_handler::<__comms_Courier_on_letter>().event_handler::<__comms_Courier_on_parcel>();
    TestApp::with(app).fake::<DeskClient>(desk).start().await.unwrap()
}

/// Refuses twice: with an error of its own that says 7 seconds, and with a problem.
fn busy(problem: &Problem) -> DeskFake {
    let desk = DeskFake::default();
    desk.own().answers(Err(Busy)).answers(Err(Busy));
    desk.other().answers(Err(problem.clone())).answers(Err(problem.clone()));
    desk
}

fn limited() -> Problem {
    Problem::new(429).header("retry-after".parse().unwrap(), "5".parse().unwrap())
}

/// How long the message waited for its second attempt.
fn waited(app: &TestApp, handler: &str) -> Option<Duration> {
    app.happenings(handler).iter().find_map(|observed| match observed.happening {
        Happening::Retried { delay, .. } => Some(delay),
        _ => None,
    })
}

fn is_about(delay: Option<Duration>, seconds: u64) -> bool {
    delay.is_some_and(|delay| (Duration::from_secs(seconds)..=Duration::from_secs(seconds).mul_f64(1.2)).contains(&delay))
}

async fn letter(way: &str, problem: &Problem) -> TestApp {
    let app = courier(&busy(problem)).await;
    app.publish(&Letter { way: way.to_owned() }).await.unwrap();
    app
}

#[tokio::test(start_paused = true)]
async fn a_message_is_not_tried_again_before_the_service_that_was_called_wants_it() {
    for (way, seconds) in [("as it is", 7), ("below", 7), ("another problem", 5), ("its own", 3)] {
        let app = letter(way, &limited()).await;
        let delay = waited(&app, "on_letter");
        assert!(is_about(delay, seconds), "{way}: {delay:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_backoff_of_the_handler_is_the_most_that_it_waits() {
    let app = courier(&busy(&limited())).await;
    app.publish(&Parcel {}).await.unwrap();
    let delay = waited(&app, "on_parcel");
    assert!(is_about(delay, 2), "{delay:?}");
}

#[tokio::test(start_paused = true)]
async fn the_class_of_a_call_is_found_below_the_error_of_the_handler() {
    let app = letter("another problem", &Problem::new(403).detail("you are banned")).await;
    app.assert_retried("on_letter", 0);
    app.assert_dead_lettered("on_letter", 1);
    let app = letter("another problem", &Problem::new(503)).await;
    app.assert_retried("on_letter", 1);
}
