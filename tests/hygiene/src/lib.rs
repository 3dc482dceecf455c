//! Every module of this crate is a surrounding that expansions must compile in. That it builds is the test.
#![deny(warnings)]

pub mod plain;
