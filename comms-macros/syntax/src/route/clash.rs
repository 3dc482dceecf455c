//! Two routes that can't stand beside each other.

use super::{Route, Template, Verb};
use crate::errors::Collector;

/// What is wrong with two routes of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// They answer the same requests.
    Double,
    /// Their paths are one, with two names of a parameter.
    Names,
    /// One takes the rest of the path where the other takes a segment.
    Rest,
}

impl Clash {
    /// What is wrong, if anything.
    #[must_use]
    pub fn of(left: (Verb, &Template), right: (Verb, &Template)) -> Option<Self> {
        let same_path = shape(left.1).eq(shape(right.1));
        match (same_path, left.0 == right.0) {
            (true, true) => Some(Self::Double),
            (true, false) => (left.1.text != right.1.text).then_some(Self::Names),
            (false, _) => takes_rest(left.1, right.1).then_some(Self::Rest),
        }
    }

    /// As it follows "`GET /a` and `GET /b`".
    #[must_use]
    pub fn cause(self) -> &'static str {
        match self {
            Self::Double => "answer the same requests",
            Self::Names => "are one path that names its parameter in two ways",
            Self::Rest => "can't be told apart: one takes the rest of the path where the other takes a segment",
        }
    }

    /// What to do.
    #[must_use]
    pub fn way_out(self) -> &'static str {
        match self {
            Self::Double => "give one of them another path or method",
            Self::Names => "give the parameter one name in both, as OpenAPI demands too",
            Self::Rest => "give one of them another path",
        }
    }
}

/// Every request has one answer.
pub(crate) fn check_distinct<'a>(errors: &mut Collector, routes: impl Iterator<Item = &'a Route>) {
    // Alternatives under `#[cfg]` are for the compiler to tell apart.
    let routes: Vec<&Route> = routes.filter(|route| route.common.cfgs.is_empty()).collect();
    for (at, later) in routes.iter().enumerate() {
        let clashes = routes[..at].iter().map(|earlier| (earlier, Clash::of((earlier.verb, &earlier.path), (later.verb, &later.path))));
        if let Some((earlier, clash)) = clashes.filter_map(|(earlier, clash)| Some((earlier, clash?))).next() {
            let (requests, other, name) = (later.requests(), earlier.requests(), &earlier.ident);
            errors.at_span(later.path.span, format!("`{requests}` and `{other}` of `{name}` {}: {}", clash.cause(), clash.way_out()));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment<'a> {
    Literal(&'a str),
    Parameter,
    Rest,
}

/// What it has in common with every template that matches the same paths.
fn shape(template: &Template) -> impl Iterator<Item = Segment<'_>> {
    template.text.split('/').map(|segment| match segment.strip_prefix('{') {
        Some(inner) if inner.starts_with('*') => Segment::Rest,
        Some(_) => Segment::Parameter,
        None => Segment::Literal(segment),
    })
}

/// Literals go before parameters, but nothing says whether a parameter goes before the rest.
fn takes_rest(left: &Template, right: &Template) -> bool {
    let first = shape(left).zip(shape(right)).find(|(left, right)| left != right);
    matches!(first, Some((Segment::Rest, Segment::Parameter) | (Segment::Parameter, Segment::Rest)))
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn clash(left: &str, right: &str) -> Option<Clash> {
        let read = |text: &str| {
            let (verb, path) = text.split_once(' ').unwrap();
            let verb = Verb::ALL.into_iter().find(|it| it.method() == verb).unwrap();
            (verb, Template::parse(path.to_owned(), Span::call_site()).unwrap())
        };
        let (left, right) = (read(left), read(right));
        let clash = Clash::of((left.0, &left.1), (right.0, &right.1));
        assert_eq!(clash, Clash::of((right.0, &right.1), (left.0, &left.1)));
        clash
    }

    #[test]
    fn names_of_parameters_make_no_difference_to_what_is_matched() {
        assert_eq!(clash("GET /orders/{id}", "GET /orders/{order}"), Some(Clash::Double));
        assert_eq!(clash("GET /orders/{id}", "PUT /orders/{order}"), Some(Clash::Names));
        assert_eq!(clash("GET /{*rest}", "GET /{*all}"), Some(Clash::Double));
    }

    #[test]
    fn a_rest_leaves_no_room_for_a_parameter_in_its_place() {
        assert_eq!(clash("GET /files/{*name}", "PUT /files/{id}/size"), Some(Clash::Rest));
        assert_eq!(clash("GET /files/{*name}", "GET /files/all"), None);
        assert_eq!(clash("GET /{*name}", "GET /files/{id}"), None);
    }

    #[test]
    fn other_paths_and_other_methods_of_one_path_are_fine() {
        for (left, right) in [
            ("GET /a/{b}", "PUT /a/{b}"),
            ("GET /a/{b}", "GET /a/{c}/d"),
            ("GET /a/{b}", "GET /a/b"),
            ("GET /a", "GET /a/"),
            ("GET /", "GET /a"),
        ] {
            assert_eq!(clash(left, right), None, "{left} {right}");
        }
    }
}
