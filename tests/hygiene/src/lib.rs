//! Every module of this crate is a surrounding that expansions must compile in, with all warnings denied. That it
//! builds is most of the test; `tests/` asserts the rest.
#![deny(warnings)]

pub mod conditional;
pub mod macros;
pub mod methods_only;
pub mod plain;
pub mod raw;
pub mod shadowed;
