//! The cases, by the part of the contract that they prove.

pub mod dead_letters;
pub mod faults;
pub mod groups;
pub mod isolation;
pub mod ordering;
pub mod publishing;
pub mod retrying;
pub mod settling;
