//! Nothing but a home for the test beside it.
