//! Expansions as a person reads them, and their line budgets.
