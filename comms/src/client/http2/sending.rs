//! The body of a request on its way.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use bytes::Bytes;
use h2::{Reason, SendStream};
use hyper::HeaderMap;
use hyper::body::Body as HttpBody;
use tokio::task::AbortHandle;

use crate::error::chain;

/// A first piece of so much is handed over without asking for room: a request that is small goes in one step.
const SMALL: usize = 16 * 1024;

/// A body that is sent as its receiver takes it: the piece after the next one is asked for when there is room for the next.
pub(super) struct Sending {
    stream: SendStream<Bytes>,
    body: Body,
    /// The next piece. It waits for the one after it, so that the last one can say that it is.
    held: Option<Bytes>,
    /// Whether there is room for it.
    has_room: bool,
    began: bool,
}

/// The rest of a body, which is given up with this.
pub(super) struct Rest(Option<AbortHandle>);

impl Rest {
    /// The answer has begun: what is left of the body belongs to a conversation.
    pub(super) fn go_on(mut self) {
        self.0 = None;
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        if let Some(sending) = &self.0 {
            sending.abort();
        }
    }
}

/// What comes after the piece that is held.
enum Next {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    Failed(Reason),
}

impl Sending {
    /// Sends what is there; the rest goes on apart, unless the caller leaves before the answer begins.
    pub(super) async fn begin(stream: SendStream<Bytes>, body: Body) -> Rest {
        let mut sending = Self { stream, body, held: None, has_room: false, began: false };
        let waits = poll_fn(|task| Poll::Ready(sending.go_on(task).is_pending())).await;
        Rest(waits.then(|| tokio::spawn(sending).abort_handle()))
    }

    /// Until all of it is handed over, or the other side wants no more of it: whoever waits for the answer is told why.
    fn go_on(&mut self, task: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        loop {
            if self.held.is_some() && !self.has_room {
                ready!(self.poll_room(task))?;
                self.has_room = true;
            }
            let Poll::Ready(next) = self.poll_next(task) else {
                self.send_held(false)?;
                return self.stream.poll_reset(task).map(|reset| reset.map(drop));
            };
            match next {
                Next::Data(data) => {
                    self.send_held(false)?;
                    self.has_room = !std::mem::replace(&mut self.began, true) && data.len() <= SMALL;
                    self.held = Some(data);
                }
                Next::Trailers(trailers) => {
                    self.send_held(false)?;
                    return Poll::Ready(self.stream.send_trailers(trailers));
                }
                Next::End if self.held.is_some() => return Poll::Ready(self.send_held(true)),
                Next::End => return Poll::Ready(self.stream.send_data(Bytes::new(), true)),
                Next::Failed(reason) => {
                    self.stream.send_reset(reason);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Next> {
        if self.body.is_end_stream() {
            return Poll::Ready(Next::End);
        }
        loop {
            let next = match ready!(Pin::new(&mut self.body).poll_frame(task)) {
                None => Next::End,
                Some(Err(error)) => Next::Failed(reason(&error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => continue,
                    Ok(data) => Next::Data(data),
                    Err(frame) => match frame.into_trailers() {
                        Ok(trailers) => Next::Trailers(trailers),
                        Err(_) => continue,
                    },
                },
            };
            return Poll::Ready(next);
        }
    }

    /// Ready when the other side takes some of the piece. No more is reserved beforehand: requests beside this one want room too.
    fn poll_room(&mut self, task: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        self.stream.reserve_capacity(1);
        while self.stream.capacity() == 0 {
            // A stream that has no room any more is one that has ended.
            ready!(self.stream.poll_capacity(task)).unwrap_or(Err(Reason::CANCEL.into()))?;
        }
        Poll::Ready(Ok(()))
    }

    fn send_held(&mut self, is_last: bool) -> Result<(), h2::Error> {
        self.held.take().map_or(Ok(()), |data| self.stream.send_data(data, is_last))
    }
}

impl Future for Sending {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        self.go_on(task).map(drop)
    }
}

/// As what the other side gets to see a body that broke off.
fn reason(error: &(dyn std::error::Error + 'static)) -> Reason {
    let own = chain(error).find_map(|error| error.downcast_ref::<h2::Error>()?.reason());
    own.unwrap_or(Reason::INTERNAL_ERROR)
}
