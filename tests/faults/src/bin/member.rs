//! A member in a process of its own, to be killed.

fn main() {}
