//! Where the arguments of a route come from: decided by their names and marks alone.

use proc_macro2::Ident;
use syn::{Attribute, FnArg, Pat, PatType, Signature};

use super::marks::{self, Mark};
use super::{Parameter, Place, Template, Verb};
use crate::errors::Collector;
use crate::handler::{check_by_value, check_unconditional, type_text};
use crate::names;
use crate::suggest::hint;

/// Reads the arguments; without a path, what they have to do with it stays open.
pub(super) fn read(errors: &mut Collector, verb: Verb, path: Option<&Template>, sig: &Signature) -> Vec<Parameter> {
    let typed: Vec<&PatType> = sig.inputs.iter().filter_map(typed).collect();
    let mut arguments = Arguments { errors, verb, path, body: None };
    let parameters = typed.iter().filter_map(|argument| arguments.read(argument)).collect();
    if let Some(path) = path {
        check_path(errors, path, sig, &typed);
    }
    parameters
}

fn typed(input: &FnArg) -> Option<&PatType> {
    match input {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    }
}

/// The name of an argument, if it is no pattern.
fn name(argument: &PatType) -> Option<&Ident> {
    match &*argument.pat {
        Pat::Ident(pat) if pat.subpat.is_none() => Some(&pat.ident),
        _ => None,
    }
}

struct Arguments<'a> {
    errors: &'a mut Collector,
    verb: Verb,
    path: Option<&'a Template>,
    /// What the first argument was called that takes the body.
    body: Option<String>,
}

impl Arguments<'_> {
    fn read(&mut self, argument: &PatType) -> Option<Parameter> {
        check_unconditional(self.errors, &argument.attrs);
        check_by_value(self.errors, &argument.ty, "what the request says is handed over by value");
        let name = name(argument).map(names::entry);
        let in_path = self.path.is_some_and(|path| name.as_ref().is_some_and(|name| path.parameters.contains(name)));
        let (place, called) = match (marks::read(self.errors, &argument.attrs), in_path) {
            (Some((mark, attr)), true) => {
                self.marked_in_path(&mark, attr, name.as_deref().unwrap_or_default());
                return None;
            }
            (Some((mark, attr)), false) => self.marked(mark, attr, name)?,
            (None, true) => (Place::Path, name),
            (None, false) if self.verb.has_body() => (Place::Body, name),
            (None, false) => (Place::Query, name),
        };
        if place == Place::Body {
            self.check_body(argument, called.as_deref());
        }
        if place == Place::Query && called.is_none() {
            let message =
                format!("this would be a query parameter, which has the name of its argument: write `name: {}`", type_text(&argument.ty));
            self.errors.at(&argument.pat, message);
        }
        let name = called.unwrap_or_else(|| if place == Place::Extracted { "extracted" } else { "body" }.to_owned());
        Some(Parameter { place, name, ty: (*argument.ty).clone() })
    }

    fn marked_in_path(&mut self, mark: &Mark, attr: &Attribute, name: &str) {
        let message = match mark {
            Mark::Wrong => return,
            Mark::Path => format!("`{name}` needs no mark: the path has `{{{name}}}`"),
            _ => format!("`{name}` is taken from the path, which has `{{{name}}}`: take this mark off, or rename one of the two"),
        };
        self.errors.at(attr, message);
    }

    fn marked(&mut self, mark: Mark, attr: &Attribute, name: Option<String>) -> Option<(Place, Option<String>)> {
        match mark {
            Mark::Wrong => None,
            Mark::Header(header) => Some((Place::Header, Some(header))),
            Mark::Query => Some((Place::Query, name)),
            Mark::Extract => Some((Place::Extracted, name)),
            Mark::Body if self.verb.has_body() => Some((Place::Body, name)),
            Mark::Body => {
                let message = format!(
                    "a {} request has no body: mark the argument `#[query]` or `#[header(\"..\")]`, or write #[post]",
                    self.verb.method()
                );
                self.errors.at(attr, message);
                None
            }
            Mark::Path => {
                let name = name.unwrap_or_else(|| "name".to_owned());
                // Without a path that could be read there is nothing to compare it with.
                if self.path.is_some() {
                    self.errors.at(attr, format!("the path has no `{{{name}}}`: write it there; this mark is not needed then"));
                }
                None
            }
        }
    }

    fn check_body(&mut self, argument: &PatType, name: Option<&str>) {
        let name = name.unwrap_or("the pattern");
        match &self.body {
            Some(first) => {
                let message = format!(
                    "two bodies: a request has one, and `{first}` takes it; mark one of them `#[query]` or `#[header(\"..\")]`, or put both into one struct"
                );
                self.errors.at(argument, message);
            }
            None => self.body = Some(name.to_owned()),
        }
    }
}

/// Every parameter of the path is taken by an argument.
fn check_path(errors: &mut Collector, path: &Template, sig: &Signature, arguments: &[&PatType]) {
    let named: Vec<String> = arguments.iter().filter_map(|argument| name(argument)).map(names::entry).collect();
    let free = || named.iter().map(String::as_str).filter(|name| !path.parameters.iter().any(|parameter| parameter == name));
    for parameter in path.parameters.iter().filter(|parameter| !named.contains(parameter)) {
        let near = hint(parameter, free());
        let message = format!(
            "`{{{parameter}}}` of the path has no argument{near}\nadd `{parameter}: ..` to the arguments of `{}`, or take it out of the path",
            sig.ident
        );
        errors.at_span(path.span, message);
    }
}
