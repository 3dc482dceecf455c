//! Nothing: the tests are in `ui.rs`, their cases in `fail` and `pass`.
