//! Server-sent events.

use std::fmt::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use hyper::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Sleep, sleep};

use super::streaming::{self, StreamItem, Streamed};
use super::{Answered, IntoAnswer, Medium};
use crate::error::BoxError;

/// As the standard of HTML calls it.
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

/// One of the [`Events`].
///
/// ```
/// use comms::http::Event;
///
/// let event = Event::data("two\nlines").id("7").name("placed");
/// assert_eq!(event.to_string(), "event: placed\nid: 7\ndata: two\ndata: lines\n\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it is sent only by its stream"]
pub struct Event {
    name: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
    data: Option<String>,
}

impl Event {
    /// With this text, of any number of lines.
    pub fn data(text: impl Into<String>) -> Self {
        Self { data: Some(text.into()), ..Self::default() }
    }

    /// With this value as JSON.
    ///
    /// # Errors
    /// When it can't be written as JSON.
    pub fn json<T: Serialize>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(Self::data)
    }

    /// Of this kind, which the client listens for; `message` without one. A line break in it becomes a space.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(line(name.into()));
        self
    }

    /// With this id: a client that comes back says the last one that it has read, in the header `last-event-id`. A line break in it
    /// becomes a space.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(line(id.into()));
        self
    }

    /// The client comes back after so long when the connection is lost.
    pub fn retry(mut self, after: Duration) -> Self {
        self.retry = Some(after);
        self
    }

    /// Its text, of any number of lines.
    #[must_use]
    pub fn data_text(&self) -> Option<&str> {
        self.data.as_deref()
    }

    /// Its kind; one without is a `message`.
    #[must_use]
    pub fn name_text(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its id: what to come back with after a lost connection, in the header `last-event-id`, as long as no later event has another one.
    #[must_use]
    pub fn id_text(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// How long to wait before coming back after a lost connection.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        self.retry
    }

    /// Its text, JSON, as this type.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.data_text().unwrap_or_default())
    }

    /// As it was read: nothing in these can break a line.
    pub(super) fn received(data: String, name: Option<String>, id: Option<String>, retry: Option<Duration>) -> Self {
        Self { name, id, retry, data: Some(data) }
    }
}

/// In one line: an event can't be forged by what stands in a name.
fn line(text: String) -> String {
    if text.contains(['\r', '\n', '\0']) { text.replace(['\r', '\n', '\0'], " ") } else { text }
}

/// As it is sent.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, id, retry, data } = self;
        name.iter().try_for_each(|name| writeln!(f, "event: {name}"))?;
        id.iter().try_for_each(|id| writeln!(f, "id: {id}"))?;
        retry.iter().try_for_each(|after| writeln!(f, "retry: {}", after.as_millis()))?;
        if let Some(data) = data {
            // Each of the three line breaks ends a line for the client.
            let unified = data.replace("\r\n", "\n").replace('\r', "\n");
            unified.split('\n').try_for_each(|line| writeln!(f, "data: {line}"))?;
        }
        f.write_char('\n')
    }
}

impl StreamItem<Event> for Event {
    fn piece(self) -> Result<Event, BoxError> {
        Ok(self)
    }
}

/// Server-sent events, `text/event-stream`: an answer that goes on as long as the stream and the client do. The stream gives
/// [`Event`]s or results of them; an error breaks the answer off. It is dropped when the client goes away, and when the
/// service stops: the client comes back then, to whoever answers next.
///
/// A comment is sent when there was nothing for 15 seconds, so that nobody in between takes the connection for dead. The
/// route's timeout bounds what comes before the stream, not the stream.
///
/// ```
/// use comms::http::{Event, Events};
/// use futures_util::stream::{self, Stream};
///
/// // #[get("/numbers")]
/// async fn numbers() -> Events<impl Stream<Item = Event>> {
///     Events::new(stream::iter((1..=3).map(|number| Event::data(number.to_string()))))
/// }
/// # let _ = numbers;
/// ```
#[derive(Clone)]
#[must_use = "it is answered only when the route returns it"]
pub struct Events<S> {
    stream: S,
    keep_alive: Duration,
}

impl<S> Events<S> {
    /// Of this stream.
    pub fn new(stream: S) -> Self {
        Self { stream, keep_alive: Duration::from_secs(15) }
    }

    /// A comment is sent when there was nothing for so long.
    pub fn keep_alive(mut self, every: Duration) -> Self {
        self.keep_alive = every;
        self
    }
}

/// Events by a name that a contract can say: a service answers [`EventStream::of`](Events::of) any stream, and its client gets the
/// events as they arrive. What breaks off ends with an error; dropping it ends the stream at the service.
///
/// ```
/// use comms::BoxError;
/// use comms::http::EventStream;
///
/// async fn sum(mut numbers: EventStream) -> Result<u64, BoxError> {
///     let mut sum = 0;
///     while let Some(event) = numbers.event().await? {
///         sum += event.parse::<u64>()?;
///     }
///     Ok(sum)
/// }
/// # let _ = sum;
/// ```
pub type EventStream = Events<BoxStream<'static, Result<Event, BoxError>>>;

impl Events<BoxStream<'static, Result<Event, BoxError>>> {
    /// Of any stream that may be answered.
    pub fn of(stream: impl Stream<Item: StreamItem<Event>> + Send + 'static) -> Self {
        Self::new(stream.map(StreamItem::piece).boxed())
    }

    /// The next event; none at the end.
    ///
    /// # Errors
    /// When there is none, and this is not the end: at a client a [`StreamError`](crate::client::StreamError).
    pub async fn event(&mut self) -> Result<Option<Event>, BoxError> {
        self.stream.next().await.transpose()
    }
}

/// Whatever the stream is.
impl<S> fmt::Debug for Events<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("keep_alive", &self.keep_alive).finish_non_exhaustive()
    }
}

impl<S: Stream + Unpin> Stream for Events<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<S::Item>> {
        Pin::new(&mut self.stream).poll_next(task)
    }
}

impl<S> Medium for Events<S> {
    type Data = String;
    const MEDIA: Option<&'static str> = Some(EVENT_STREAM);
}

impl<S: Stream<Item: StreamItem<Event>> + Send + 'static> IntoAnswer for Events<S> {
    fn into_answer(self, status: u16) -> Answered {
        let Self { stream, keep_alive: every } = self;
        let lines = Lines { stream: Box::pin(stream), every, silence: Box::pin(sleep(every)) };
        let mut response = streaming::answer(lines, EVENT_STREAM, Streamed { endless: true });
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // Proxies of nginx's kind would collect them.
        response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        super::answer::of_status(status, response)
    }
}

/// The events as they are sent, and a comment into each long silence.
struct Lines<S> {
    stream: Pin<Box<S>>,
    every: Duration,
    silence: Pin<Box<Sleep>>,
}

impl<S: Stream<Item: StreamItem<Event>>> Stream for Lines<S> {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let next = match this.stream.as_mut().poll_next(task) {
            Poll::Ready(next) => next.map(|event| event.piece().map(|event| event.to_string().into())),
            Poll::Pending if this.silence.as_mut().poll(task).is_ready() => Some(Ok(Bytes::from_static(b":\n\n"))),
            Poll::Pending => return Poll::Pending,
        };
        this.silence.set(sleep(this.every));
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_can_not_be_forged_by_what_stands_in_it() {
        let event = Event::data("a\r\rid: 1\n").name("x\ndata: y").id("1\0\r\n2").retry(Duration::from_secs(2));
        assert_eq!(event.to_string(), "event: x data: y\nid: 1   2\nretry: 2000\ndata: a\ndata: \ndata: id: 1\ndata: \n\n");
        assert_eq!(Event::default().to_string(), "\n");
    }
}
