//! A library with a lending desk: routes of every kind, for documents and for those who try them out.

mod books;
mod desk;
mod media;
mod types;

comms::main!();
