//! The shop as a process at its ports, and what it says of them: held against an official validator, a fuzzer, and the `curl` lines of the
//! documentation. Needs what `./test` installs, as `tests/openapi` does.

mod curl;
mod documents;
mod fuzz;
mod process;
mod stopping;
mod topology;
