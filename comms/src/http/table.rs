//! Which route a request is for.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use hyper::Method;
use hyper::header::HeaderValue;
use tokio_util::sync::CancellationToken;

use super::{Endpoint, Merged, RouteDecl, Verb};

/// All routes of an application.
#[derive(Default)]
pub(crate) struct Table {
    paths: matchit::Router<Item>,
    /// Answers what no route does.
    pub(super) merged: Option<Merged>,
    /// Streams without an end end.
    stopping: CancellationToken,
    /// Answers are sent in gzip to who reads it.
    pub(super) compression: bool,
}

/// One path with its verbs.
struct Item {
    endpoints: [Option<Arc<Endpoint>>; Verb::ALL.len()],
    allow: HeaderValue,
}

/// What a request is for.
pub(super) enum Found<'a> {
    /// A route, and where in the path the values of its parameters stand.
    Route(&'a Arc<Endpoint>, Vec<Range<usize>>),
    /// A path that has other methods: the header `allow`.
    OtherMethods(&'a HeaderValue),
    Nothing,
}

impl Table {
    /// The table of the routes, all of which [`check`] has accepted.
    pub(crate) fn new(endpoints: Vec<Endpoint>) -> Self {
        let mut items: HashMap<&'static str, Item> = HashMap::new();
        for endpoint in endpoints {
            let item = items.entry(endpoint.decl.path).or_insert_with(Item::new);
            item.add(endpoint);
        }
        let mut paths = matchit::Router::new();
        for (path, item) in items {
            // A path that is refused here was refused, and reported, by the check before.
            let _ = paths.insert(path, item);
        }
        Self { paths, ..Self::default() }
    }

    /// With this service for what no route answers.
    pub(crate) fn merging(mut self, merged: Option<Merged>) -> Self {
        self.merged = merged;
        self
    }

    /// Whether answers are sent in gzip to who reads it.
    pub(crate) fn compressing(mut self, compression: bool) -> Self {
        self.compression = compression;
        self
    }

    /// Tells streams without an end to end.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    pub(super) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    pub(super) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Ok(matched) = self.paths.at(path) else { return Found::Nothing };
        let endpoint = verb(method).and_then(|verb| matched.value.endpoints[verb as usize].as_ref());
        match endpoint {
            Some(endpoint) => Found::Route(endpoint, matched.params.iter().map(|(_, value)| range(path, value)).collect()),
            None => Found::OtherMethods(&matched.value.allow),
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Table")
    }
}

impl Item {
    fn new() -> Self {
        Self { endpoints: Default::default(), allow: HeaderValue::from_static("") }
    }

    fn add(&mut self, endpoint: Endpoint) {
        let verb = endpoint.decl.verb;
        self.endpoints[verb as usize] = Some(Arc::new(endpoint));
        let mut allowed: Vec<&str> = Vec::new();
        for verb in Verb::ALL.into_iter().filter(|verb| self.endpoints[*verb as usize].is_some()) {
            allowed.push(verb.as_str());
            allowed.extend((verb == Verb::Get).then_some("HEAD"));
        }
        self.allow = HeaderValue::from_str(&allowed.join(", ")).unwrap_or(HeaderValue::from_static(""));
    }
}

fn verb(method: &Method) -> Option<Verb> {
    Some(match *method {
        Method::GET | Method::HEAD => Verb::Get,
        Method::POST => Verb::Post,
        Method::PUT => Verb::Put,
        Method::PATCH => Verb::Patch,
        Method::DELETE => Verb::Delete,
        _ => return None,
    })
}

/// Where the part stands in the whole that it was borrowed from.
fn range(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

/// Everything that is wrong with the routes: paths that can't be read, that contradict each other, or that stand twice.
pub(crate) fn check(routes: &[RouteDecl]) -> Vec<String> {
    let (mut problems, mut paths) = (Vec::new(), matchit::Router::new());
    let mut seen: Vec<&RouteDecl> = Vec::new();
    for route in routes {
        if let Some(twin) = seen.iter().find(|other| (other.verb, other.path) == (route.verb, route.path)) {
            problems.push(format!("{} twice: {}. Give one of them another path", described(twin), described(route)));
        } else if !route.path.starts_with('/') {
            problems.push(format!("{}: a path begins with `/`", described(route)));
        } else if !seen.iter().any(|other| other.path == route.path)
            && let Err(error) = paths.insert(route.path, *route)
        {
            problems.push(wrong_path(route, &error, &seen));
        }
        seen.push(route);
    }
    problems
}

fn wrong_path(route: &RouteDecl, error: &matchit::InsertError, seen: &[&RouteDecl]) -> String {
    let matchit::InsertError::Conflict { with } = error else {
        return format!("{}: {error}. A parameter is a whole segment, `/orders/{{id}}`; the last one may be `{{*rest}}`", described(route));
    };
    let other = seen.iter().find(|other| other.path == with).map_or_else(|| format!("`{with}`"), |other| described(other));
    format!("{} and {other} can't be told apart: give the parameter in that place one name, or one of them another path", described(route))
}

fn described(route: &RouteDecl) -> String {
    format!("route `{route}` (`{}`, {})", route.name, route.location)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::Location;

    const fn decl(verb: Verb, path: &'static str, line: u32) -> RouteDecl {
        RouteDecl::new(verb, path, "r", Location::new("lib.rs", line))
    }

    #[test]
    fn routes_that_can_not_be_told_apart_are_refused_with_both_places() {
        let found = check(&[
            decl(Verb::Get, "/a/{b}", 1),
            decl(Verb::Get, "/a/{b}", 2),
            decl(Verb::Put, "/a/{c}", 3),
            decl(Verb::Post, "/a/{b}", 4),
            decl(Verb::Get, "a", 5),
            decl(Verb::Get, "/x/{}", 6),
            decl(Verb::Get, "/a/b", 7),
        ]);
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found[0].contains("lib.rs:1") && found[0].contains("lib.rs:2"), "{found:#?}");
        assert!(found[1].contains("lib.rs:3") && found[1].contains("can't be told apart"), "{found:#?}");
        assert!(found[2].contains("a path begins with `/`"), "{found:#?}");
        assert!(found[3].contains("lib.rs:6"), "{found:#?}");
    }
}
