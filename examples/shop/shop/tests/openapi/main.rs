//! What the shop says of its HTTP, held against an official validator, a fuzzer, and the `curl` lines of the documentation. Needs what `./test`
//! installs, as `tests/openapi` does.

mod curl;
mod documents;
mod fuzz;
mod process;
mod topology;
