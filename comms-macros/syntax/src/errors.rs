//! Mistakes, collected and spanned.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The mistakes of one item: at least one, each on the tokens it concerns.
#[derive(Clone, Debug)]
pub struct Errors(Vec<syn::Error>);

impl Errors {
    /// Each mistake: where, and what to do.
    pub fn iter(&self) -> impl Iterator<Item = (Span, String)> + '_ {
        self.0.iter().map(|error| (error.span(), error.to_string()))
    }

    /// `compile_error!` for each of them.
    #[must_use]
    pub fn to_compile_errors(&self) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).collect()
    }
}

impl From<syn::Error> for Errors {
    fn from(error: syn::Error) -> Self {
        Self(error.into_iter().collect())
    }
}

/// Where mistakes go while an item is read. It can't be forgotten: dropped unread, it panics.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    errors: Vec<syn::Error>,
    /// The options that were written, read or not: what was tried is not called missing.
    pub(crate) attempted: Vec<String>,
    finished: bool,
}

impl Collector {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        self.errors.extend(error);
    }

    /// A mistake on these tokens.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// A mistake at this place, for what has no tokens.
    pub(crate) fn at_span(&mut self, span: Span, message: impl std::fmt::Display) {
        self.push(syn::Error::new(span, message));
    }

    /// The value of an option that can't be left out.
    pub(crate) fn required<T>(&mut self, option: &str, place: impl ToTokens, value: Option<T>, why: &str) -> Option<T> {
        if value.is_none() && !self.attempted.iter().any(|attempted| attempted == option) {
            self.at(place, why);
        }
        value
    }

    /// Keeps the value of a step, or its mistake.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Takes over what another reading came to.
    pub(crate) fn take<T>(&mut self, result: Result<T, Errors>) -> Option<T> {
        result.map_err(|errors| self.errors.extend(errors.0)).ok()
    }

    /// The value, if nothing was wrong. A missing value without a mistake is a slip in this crate.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, Errors> {
        self.finished = true;
        let errors = std::mem::take(&mut self.errors);
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            _ if errors.is_empty() => Err(syn::Error::new(Span::call_site(), "comms: the item could not be read").into()),
            _ => Err(Errors(errors)),
        }
    }

    /// All mistakes as one, for a list within a list.
    pub(crate) fn finish_syn(mut self) -> syn::Result<()> {
        self.finished = true;
        let combined = std::mem::take(&mut self.errors).into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        });
        combined.map_or(Ok(()), Err)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            panic!("the mistakes of an item were never looked at");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_kept() {
        let mut errors = Collector::new();
        errors.at_span(Span::call_site(), "one");
        errors.at_span(Span::call_site(), "two");
        let texts: Vec<String> = errors.finish(Some(())).unwrap_err().iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["one", "two"]);
    }

    #[test]
    #[should_panic(expected = "never looked at")]
    fn mistakes_cannot_be_dropped_unread() {
        drop(Collector::new());
    }
}
