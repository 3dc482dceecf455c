//! The marks of arguments: `#[header("x-tenant")]`, `#[query]`, `#[body]`, `#[extract]`. They are no attributes of
//! their own; `#[service]` reads them and takes them off.

use syn::{Attribute, LitStr, Meta, Path};

use crate::errors::Collector;
use crate::suggest::{hint, listed};

/// A mark, where it says what.
pub(super) enum Mark {
    /// With the name of the header.
    Header(String),
    Query,
    Body,
    Extract,
    /// `#[path]`, which no argument needs.
    Path,
    /// It could not be read, which has been said.
    Wrong,
}

const NAMES: [&str; 4] = ["header", "query", "body", "extract"];

/// What the compiler itself takes on an argument, or refuses better.
const BUILTIN: [&str; 8] = ["allow", "cfg", "cfg_attr", "deny", "doc", "expect", "forbid", "warn"];

/// Whether an attribute on an argument of a route is for us to read: everything without a crate before it that the
/// compiler does not know.
pub(crate) fn is_mark(path: &Path) -> bool {
    path.get_ident().is_some_and(|name| !BUILTIN.iter().any(|builtin| name == builtin))
}

/// The mark among the attributes of an argument, if any.
pub(super) fn read<'a>(errors: &mut Collector, attrs: &'a [Attribute]) -> Option<(Mark, &'a Attribute)> {
    let mut marks = attrs.iter().filter(|attr| is_mark(attr.path()));
    let first = marks.next()?;
    if let Some(second) = marks.next() {
        errors.at(second, "a second mark on one argument: its value comes from one place");
        return Some((Mark::Wrong, first));
    }
    let mark = errors.keep(read_one(first)).unwrap_or(Mark::Wrong);
    Some((mark, first))
}

fn read_one(attr: &Attribute) -> syn::Result<Mark> {
    let name = attr.path().get_ident().map(ToString::to_string).unwrap_or_default();
    match name.as_str() {
        "header" => header(attr).map(Mark::Header),
        "query" => bare(attr, "a query parameter has the name of its argument").map(|()| Mark::Query),
        "body" => bare(attr, "a body has no name").map(|()| Mark::Body),
        "extract" => bare(attr, "the type of the argument says which extractor").map(|()| Mark::Extract),
        "path" => Ok(Mark::Path),
        _ => {
            let hint = hint(&name, NAMES);
            let message = format!("unknown mark `#[{name}]` of an argument{hint}\nvalid here: {}", listed(NAMES));
            Err(syn::Error::new_spanned(attr, message))
        }
    }
}

fn bare(attr: &Attribute, why: &str) -> syn::Result<()> {
    match &attr.meta {
        Meta::Path(_) => Ok(()),
        _ => Err(syn::Error::new_spanned(attr, format!("this mark stands bare: {why}"))),
    }
}

fn header(attr: &Attribute) -> syn::Result<String> {
    let expected = "expected the name of the header: `#[header(\"x-tenant\")]`";
    if !matches!(attr.meta, Meta::List(_)) {
        return Err(syn::Error::new_spanned(attr, expected));
    }
    let text: LitStr = attr.parse_args().map_err(|error| syn::Error::new(error.span(), expected))?;
    let name = text.value();
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    if !is_name {
        return Err(syn::Error::new(text.span(), format!("`{name}` is not the name of a header: write letters, digits and `-`")));
    }
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        let message = format!("names of headers are written in lower case, as HTTP/2 sends them: \"{}\"", name.to_ascii_lowercase());
        return Err(syn::Error::new(text.span(), message));
    }
    Ok(name)
}
