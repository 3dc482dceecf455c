//! Nothing of its own: see `tests/`. A package needs a target to have integration tests.
