//! The values that options take.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::parse::ParseStream;
use syn::{Lit, LitInt, LitStr, Path, Token};

use crate::Rate;
use crate::suggest::{hint, listed};
use crate::{duration, rate, size};

/// A literal text: an identity that `comms-build` reads without compiling anything.
#[derive(Clone, Debug)]
pub struct Text {
    /// What it says.
    pub value: String,
    /// Where it stands.
    pub span: Span,
}

/// A literal number.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// Its value.
    pub value: u32,
    /// Where it stands.
    pub span: Span,
}

/// A value that may be left to the compiler.
#[derive(Clone, Debug)]
pub enum Setting<T> {
    /// Written out.
    Literal(T),
    /// The path of a constant.
    Constant(Path),
}

fn next_literal(input: ParseStream<'_>) -> syn::Result<Option<Lit>> {
    if input.peek(Lit) { input.parse().map(Some) } else { Ok(None) }
}

/// A text that must be a literal, because it names something outside of this program.
pub(crate) fn text(input: ParseStream<'_>) -> syn::Result<Text> {
    match next_literal(input)? {
        Some(Lit::Str(text)) => Ok(Text { value: text.value(), span: text.span() }),
        Some(other) => Err(syn::Error::new(other.span(), "expected a text in quotes")),
        None => Err(input.error("expected a literal text: it is an identity, read by comms-build before anything is compiled, so no constant or macro can stand here")),
    }
}

/// A text of which `check` approves.
pub(crate) fn checked_text(input: ParseStream<'_>, check: impl Fn(&str) -> Result<(), String>) -> syn::Result<Text> {
    let text = text(input)?;
    check(&text.value).map_err(|why| syn::Error::new(text.span, why))?;
    Ok(text)
}

/// One of a few texts.
pub(crate) fn choice<T: Copy>(input: ParseStream<'_>, what: &str, choices: &[(&str, T)]) -> syn::Result<T> {
    let text = text(input)?;
    let names = || choices.iter().map(|(name, _)| *name);
    let chosen = choices.iter().find(|(name, _)| *name == text.value);
    chosen.map(|(_, value)| *value).ok_or_else(|| {
        let hint = hint(&text.value, names());
        syn::Error::new(text.span, format!("unknown {what} `{}`{hint}\nit is one of: {}", text.value, listed(names())))
    })
}

/// A number from 1 that must be a literal.
pub(crate) fn number(input: ParseStream<'_>) -> syn::Result<Number> {
    let expected = "expected a literal whole number from 1";
    match next_literal(input)? {
        Some(Lit::Int(int)) => Ok(Number { value: positive(&int, expected)?, span: int.span() }),
        Some(other) => Err(syn::Error::new(other.span(), expected)),
        None => Err(input.error(expected)),
    }
}

fn positive<N: std::str::FromStr + PartialEq + Default>(int: &LitInt, expected: &str) -> syn::Result<N> {
    let value = int.base10_digits().parse::<N>().ok().filter(|value| *value != N::default());
    value.ok_or_else(|| syn::Error::new(int.span(), expected))
}

fn constant<T>(input: ParseStream<'_>, expected: &str) -> syn::Result<Setting<T>> {
    let path = input.call(Path::parse_mod_style).map_err(|_| input.error(expected))?;
    Ok(Setting::Constant(path))
}

/// A number from 1, or the path of a constant.
pub(crate) fn count<N: std::str::FromStr + PartialEq + Default>(input: ParseStream<'_>) -> syn::Result<Setting<N>> {
    let expected = "expected a whole number from 1, or the path of a constant";
    match next_literal(input)? {
        Some(Lit::Int(int)) => positive(&int, expected).map(Setting::Literal),
        Some(other) => Err(syn::Error::new(other.span(), expected)),
        None => constant(input, expected),
    }
}

/// A number from 0, or the path of a constant.
pub(crate) fn amount(input: ParseStream<'_>) -> syn::Result<Setting<u32>> {
    let expected = "expected a whole number, or the path of a constant";
    match next_literal(input)? {
        Some(Lit::Int(int)) => int.base10_parse().map(Setting::Literal).map_err(|_| syn::Error::new(int.span(), expected)),
        Some(other) => Err(syn::Error::new(other.span(), expected)),
        None => constant(input, expected),
    }
}

/// A duration in quotes, or the path of a constant.
pub(crate) fn duration(input: ParseStream<'_>) -> syn::Result<Setting<Duration>> {
    let expected = "expected a duration in quotes, such as \"250ms\", \"5s\" or \"1m30s\", or the path of a constant";
    match next_literal(input)? {
        Some(Lit::Str(text)) => in_text(&text, duration::parse).map(Setting::Literal),
        Some(other) => Err(syn::Error::new(other.span(), expected)),
        None => constant(input, expected),
    }
}

/// A rate in quotes, or the path of a constant.
pub(crate) fn rate(input: ParseStream<'_>) -> syn::Result<Setting<Rate>> {
    let expected = "expected a rate in quotes, such as \"100/s\" or \"30/m\", or the path of a constant";
    match next_literal(input)? {
        Some(Lit::Str(text)) => in_text(&text, rate::parse).map(Setting::Literal),
        Some(other) => Err(syn::Error::new(other.span(), expected)),
        None => constant(input, expected),
    }
}

/// A size in quotes as a number of bytes, or the path of a constant.
pub(crate) fn size(input: ParseStream<'_>) -> syn::Result<Setting<u64>> {
    let expected = "expected a size in quotes, such as \"64KiB\" or \"1MiB\", or the path of a constant";
    match next_literal(input)? {
        Some(Lit::Str(text)) => in_text(&text, size::parse).map(Setting::Literal),
        Some(other) => Err(syn::Error::new(other.span(), expected)),
        None => constant(input, expected),
    }
}

/// The status of success. A literal, since it stands in documents.
pub(crate) fn status(input: ParseStream<'_>) -> syn::Result<u16> {
    let expected = "expected a literal status from 200 to 399, such as 201: that of a failure comes from the error";
    match next_literal(input)? {
        Some(Lit::Int(int)) => {
            let status = int.base10_parse::<u16>().ok().filter(|status| (200..=399).contains(status));
            status.ok_or_else(|| syn::Error::new(int.span(), expected))
        }
        Some(other) => Err(syn::Error::new(other.span(), expected)),
        None => Err(input.error(expected)),
    }
}

/// A range of durations in quotes.
pub(crate) fn backoff(input: ParseStream<'_>) -> syn::Result<(Duration, Duration)> {
    match next_literal(input)? {
        Some(Lit::Str(text)) => in_text(&text, duration::parse_range),
        Some(other) => Err(syn::Error::new(other.span(), "expected a range of durations in quotes, such as \"100ms..30s\"")),
        None => Err(input.error("expected a range of durations in quotes, such as \"100ms..30s\"; for a constant write `retry = POLICY`")),
    }
}

fn in_text<T>(text: &LitStr, parse: impl Fn(&str) -> Result<T, String>) -> syn::Result<T> {
    parse(&text.value()).map_err(|why| syn::Error::new(text.span(), why))
}

/// `true` or `false`.
pub(crate) fn flag(input: ParseStream<'_>) -> syn::Result<bool> {
    match next_literal(input)? {
        Some(Lit::Bool(value)) => Ok(value.value),
        Some(other) => Err(syn::Error::new(other.span(), "expected `true` or `false`")),
        None => Err(input.error("expected `true` or `false`")),
    }
}

/// Things in parentheses, commas between.
pub(crate) fn list<T>(input: ParseStream<'_>, item: fn(ParseStream<'_>) -> syn::Result<T>) -> syn::Result<Vec<T>> {
    let items = within(input, |inner| inner.parse_terminated(item, Token![,]))?;
    Ok(items.into_iter().collect())
}

/// What stands in parentheses. After a mistake the rest of it is skipped: what syn would say of it is no news.
pub(crate) fn within<T>(input: ParseStream<'_>, read: impl FnOnce(ParseStream<'_>) -> syn::Result<T>) -> syn::Result<T> {
    let inner;
    syn::parenthesized!(inner in input);
    read(&inner).inspect_err(|_| {
        let _: syn::Result<TokenStream> = inner.parse();
    })
}
