//! The path of a route: `/orders/{id}/files/{*name}`.

use proc_macro2::Span;

/// A path with parameters.
#[derive(Clone, Debug)]
pub struct Template {
    /// As it was written.
    pub text: String,
    /// Where it stands.
    pub span: Span,
    /// The names of its parameters, in order.
    pub parameters: Vec<String>,
}

impl Template {
    pub(super) fn parse(text: String, span: Span) -> syn::Result<Self> {
        let parameters = parameters(&text).map_err(|why| syn::Error::new(span, why))?;
        Ok(Self { text, span, parameters })
    }
}

/// The names of the parameters, or what is wrong with the text.
fn parameters(text: &str) -> Result<Vec<String>, String> {
    let Some(rest) = text.strip_prefix('/') else {
        return Err(format!("a path begins with `/`: write \"/{}\"", text.trim_start()));
    };
    let mut names: Vec<String> = Vec::new();
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if segment.is_empty() && !last {
            return Err("two `/` follow each other in the path: write a segment between them, or only one".to_owned());
        }
        let Some((name, wildcard)) = parameter(segment)? else { continue };
        if wildcard && !last {
            return Err(format!(
                "`{{*{name}}}` takes the whole rest of the path: nothing can follow it; for one segment write `{{{name}}}`"
            ));
        }
        if names.iter().any(|known| known == name) {
            return Err(format!("the path has two parameters `{{{name}}}`: give each a name of its own"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The name in a segment that is a parameter, and whether it takes the whole rest.
fn parameter(segment: &str) -> Result<Option<(&str, bool)>, String> {
    if !segment.contains(['{', '}']) {
        return literal(segment).map(|()| None);
    }
    let Some(inner) = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).filter(|inner| !inner.contains(['{', '}']))
    else {
        return Err(unbalanced(segment));
    };
    let (name, wildcard) = inner.strip_prefix('*').map_or((inner, false), |name| (name, true));
    if name.is_empty() {
        let example = if wildcard { "{*rest}" } else { "{id}" };
        return Err(format!("`{segment}` has no name: write the argument that takes it, such as `{example}`"));
    }
    if !is_argument(name) {
        return Err(format!("`{name}` can't name a parameter, since an argument takes it by this name: write letters, digits and `_`"));
    }
    Ok(Some((name, wildcard)))
}

fn unbalanced(segment: &str) -> String {
    let (opened, closed) = (segment.matches('{').count(), segment.matches('}').count());
    match opened.cmp(&closed) {
        std::cmp::Ordering::Greater => format!("`{segment}` is not closed: write `}}` behind the name of the parameter"),
        std::cmp::Ordering::Less => format!("`{segment}` is not opened: write `{{` before the name of the parameter"),
        std::cmp::Ordering::Equal => {
            format!("`{segment}` is more than a parameter: a parameter is a whole segment, as in `/orders/{{id}}/lines`")
        }
    }
}

fn is_argument(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name != "_" && name != "self" && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A segment that is matched as it is.
fn literal(segment: &str) -> Result<(), String> {
    if let Some(name) = segment.strip_prefix(':').filter(|name| is_argument(name)) {
        return Err(format!("`{segment}` is another framework's way to write a parameter: write `{{{name}}}`"));
    }
    if let Some(name) = segment.strip_prefix('*') {
        let name = if is_argument(name) { name } else { "rest" };
        return Err(format!("`{segment}` is another framework's way to write the rest of a path: write `{{*{name}}}`"));
    }
    match segment.char_indices().find(|(at, c)| !is_literal(segment, *at, *c)) {
        None => Ok(()),
        Some((_, '?')) => Err("a path ends before the `?`: what follows it is the query, whose parameters are arguments".to_owned()),
        Some((_, wrong)) => Err(format!("`{wrong}` can't stand in a path as it is: write it percent-encoded, as a client sends it")),
    }
}

/// What RFC 3986 allows in a segment.
fn is_literal(segment: &str, at: usize, c: char) -> bool {
    let hex = |ahead: usize| segment.as_bytes().get(at + ahead).is_some_and(u8::is_ascii_hexdigit);
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c) || (c == '%' && hex(1) && hex(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Template, String> {
        Template::parse(text.to_owned(), Span::call_site()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_template_has_its_parameters_in_order() {
        for (text, expected) in [
            ("/", &[][..]),
            ("/orders/", &[]),
            ("/orders/{id}", &["id"]),
            ("/a/{b}/c/{d_2}/{*rest}", &["b", "d_2", "rest"]),
            ("/v1/it's~%20%C3%A9:x@y", &[]),
            ("/{type}", &["type"]),
        ] {
            assert_eq!(read(text).unwrap().parameters, expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused_with_the_way_out() {
        for (text, expected) in [
            ("", "begins with `/`"),
            ("orders", "write \"/orders\""),
            ("/orders/{id", "is not closed"),
            ("/orders/id}", "is not opened"),
            ("/orders/{}", "has no name"),
            ("/orders/{*}", "such as `{*rest}`"),
            ("/{id}/{id}", "two parameters `{id}`"),
            ("/{*rest}/x", "nothing can follow it"),
            ("/{id}.json", "a whole segment"),
            ("/{a}{b}", "a whole segment"),
            ("/{{a}}", "a whole segment"),
            ("/{a/b}", "is not closed"),
            ("/{order-id}", "letters, digits and `_`"),
            ("/{0}", "letters, digits and `_`"),
            ("/{_}", "letters, digits and `_`"),
            ("/:id", "write `{id}`"),
            ("/*", "write `{*rest}`"),
            ("//", "two `/`"),
            ("/a?b", "before the `?`"),
            ("/a b", "percent-encoded"),
            ("/%4", "percent-encoded"),
            ("/é", "percent-encoded"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
