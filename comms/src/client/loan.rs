//! A body that survives an attempt that never touched it.
//!
//! A request for which no connection could be made is dropped, body and all, without a byte of it having been read. The
//! next address shall get the same body.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum_core::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// A body that is lent to one attempt after another, until one of them reads it.
pub(super) struct Loan {
    body: Arc<Mutex<Option<Body>>>,
    size: SizeHint,
    is_empty: bool,
}

impl Loan {
    pub(super) fn new(body: Body) -> Self {
        let (size, is_empty) = (body.size_hint(), body.is_end_stream());
        Self { body: Arc::new(Mutex::new(Some(body))), size, is_empty }
    }

    /// The body, for one attempt.
    pub(super) fn lend(&self) -> Body {
        if self.is_empty {
            return Body::empty();
        }
        Body::new(Lent { from: Arc::clone(&self.body), body: None, size: self.size })
    }
}

struct Lent {
    from: Arc<Mutex<Option<Body>>>,
    body: Option<Body>,
    /// As it was when nothing had been read.
    size: SizeHint,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.body.is_none() {
            let taken = self.from.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.body = taken;
        }
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(task),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(self.size, HttpBody::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn what_was_lent_and_not_read_is_lent_again() {
        let loan = Loan::new(Body::from("order"));
        let first = loan.lend();
        assert_eq!((first.size_hint().exact(), first.is_end_stream()), (Some(5), false));
        drop(first);
        let second = loan.lend();
        assert_eq!(second.size_hint().exact(), Some(5));
        assert_eq!(second.collect().await.unwrap().to_bytes(), "order");
    }

    #[test]
    fn nothing_is_lent_as_nothing() {
        assert!(Loan::new(Body::empty()).lend().is_end_stream());
    }
}
