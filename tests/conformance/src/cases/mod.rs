//! The cases, by the part of the contract that they prove.

pub mod applying;
pub mod dead_letters;
pub mod faults;
pub mod groups;
pub mod isolation;
pub mod lagging;
pub mod ordering;
pub mod publishing;
pub mod retrying;
pub mod seeking;
pub mod settling;
pub mod transactions;
