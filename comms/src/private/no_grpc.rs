//! What errors state where no call over gRPC is among them: the feature `grpc` is off.

use crate::error::{self, Class};

/// The class that an error, or one in its chain, states.
pub(super) fn stated_class(error: &(dyn std::error::Error + 'static)) -> Option<Class> {
    error::stated_class(error, |_| None)
}
