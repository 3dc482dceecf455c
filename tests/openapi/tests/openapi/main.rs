//! What the example says of itself, to people who read documents and to programs that try them out.

mod document;
mod fuzz;
mod shelf;
mod tools;
mod validator;
