//! What of the context goes with a request: who asks, and how long it waits.

use std::time::Duration;

use hyper::header::HeaderMap;

use crate::context::Context;
use crate::http::{carried, timeout};

/// Writes the context, and how long the caller waits.
pub(super) fn write(context: &Context, left: Duration, headers: &mut HeaderMap) {
    carried::write(context, headers);
    headers.insert(timeout::TIMEOUT, timeout::write(left));
}

/// How long a call may take: as long as allowed, and no longer than somebody waits.
pub(super) fn left(context: &Context, allowed: Duration) -> Duration {
    context.time_left().map_or(allowed, |left| left.min(allowed))
}
