//! Option tables: one table parses the options of an attribute, lists the valid ones in errors, and says
//! where a misplaced one belongs.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Token, token};

use crate::errors::Collector;
use crate::suggest::{hint, listed};

/// One option of an attribute whose options are kept in a `T`.
pub(crate) struct Opt<T: 'static> {
    pub(crate) name: &'static str,
    /// Reads what follows the name and keeps it.
    pub(crate) set: fn(&mut T, &Ident, ParseStream<'_>) -> syn::Result<()>,
}

/// The options of one attribute.
pub(crate) struct Table<T: 'static> {
    /// The attribute, as it is written.
    pub(crate) attribute: &'static str,
    pub(crate) options: &'static [Opt<T>],
    /// Those that may be given more than once.
    pub(crate) repeats: &'static [&'static str],
    /// Options that belong elsewhere or do not exist yet, and what to do about it.
    pub(crate) elsewhere: &'static [(&'static str, &'static str)],
}

impl<T> Table<T> {
    /// Reads all options of an attribute; a mistake in one does not hide those in the others.
    pub(crate) fn parse(&self, errors: &mut Collector, tokens: TokenStream, into: &mut T) {
        let parser = |input: ParseStream<'_>| {
            errors.attempted = self.parse_all(errors, input, into);
            Ok(())
        };
        // The parser consumes everything, so that the result says nothing new.
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
    }

    /// The same, from a list that is being read already. Returns the names of what was written.
    fn parse_all(&self, errors: &mut Collector, input: ParseStream<'_>, into: &mut T) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        while !input.is_empty() {
            if let Err(error) = self.parse_one(input, &mut seen, into) {
                errors.push(error);
                skip_to_next(input);
            } else if !input.is_empty() && !input.peek(Token![,]) {
                errors.push(input.error("expected `,` before the next option"));
                skip_to_next(input);
            }
            let _: Option<Token![,]> = input.parse().unwrap_or_default();
        }
        seen
    }

    fn parse_one(&self, input: ParseStream<'_>, seen: &mut Vec<String>, into: &mut T) -> syn::Result<()> {
        let name =
            input.call(Ident::parse_any).map_err(|_| input.error(format!("expected an option of {}: {}", self.attribute, self.names())))?;
        let text = name.to_string();
        let option = self.options.iter().find(|option| option.name == text).ok_or_else(|| self.unknown(&name, &text))?;
        if seen.contains(&text) && !self.repeats.contains(&option.name) {
            return Err(syn::Error::new(name.span(), format!("`{text}` is given twice")));
        }
        seen.push(text);
        (option.set)(into, &name, input)
    }

    fn unknown(&self, name: &Ident, text: &str) -> syn::Error {
        let message = match self.elsewhere.iter().find(|(other, _)| *other == text) {
            Some((_, what_to_do)) => format!("`{text}` can't stand in {}: {what_to_do}", self.attribute),
            None => {
                let hint = hint(text, self.options.iter().map(|option| option.name));
                format!("unknown option `{text}` of {}{hint}\nvalid here: {}", self.attribute, self.names())
            }
        };
        syn::Error::new(name.span(), message)
    }

    fn names(&self) -> String {
        listed(self.options.iter().map(|option| option.name))
    }
}

/// Skips what could not be read, up to a comma that an option can follow.
fn skip_to_next(input: ParseStream<'_>) {
    while !input.is_empty() {
        if input.peek(Token![,]) && is_option_next(input) {
            return;
        }
        let _: syn::Result<proc_macro2::TokenTree> = input.parse();
    }
}

fn is_option_next(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let _: syn::Result<Token![,]> = ahead.parse();
    ahead.is_empty()
        || (ahead.call(Ident::parse_any).is_ok()
            && (ahead.is_empty() || ahead.peek(Token![=]) || ahead.peek(Token![,]) || ahead.peek(token::Paren)))
}

/// Keeps the value of an option, or hands its mistake on.
pub(crate) fn put<V>(place: &mut Option<V>, value: syn::Result<V>) -> syn::Result<()> {
    replace(place, value.map(Some))
}

/// The same for an option with a default.
pub(crate) fn replace<V>(place: &mut V, value: syn::Result<V>) -> syn::Result<()> {
    value.map(|value| *place = value)
}

/// `name = value`.
pub(crate) fn assigned<V>(name: &Ident, input: ParseStream<'_>, value: impl FnOnce(ParseStream<'_>) -> syn::Result<V>) -> syn::Result<V> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(name.span(), format!("`{name}` needs a value: `{name} = ..`")));
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(name.span(), format!("`{name}` needs a value: `{name} = ..`")));
    }
    value(input)
}

/// `name(..)`; the parentheses are still to be read.
pub(crate) fn parenthesized(name: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(token::Paren) { Ok(()) } else { Err(syn::Error::new(name.span(), format!("`{name}` needs a list: `{name}(..)`"))) }
}

/// `name`, without a value.
pub(crate) fn bare(name: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    Err(syn::Error::new(name.span(), format!("`{name}` stands alone, without a value")))
}

/// Reads a table inside of an option; its mistakes become that option's, all of them.
pub(crate) fn nested<T>(table: &Table<T>, input: ParseStream<'_>, into: &mut T) -> syn::Result<()> {
    let mut errors = Collector::new();
    table.parse_all(&mut errors, input, into);
    errors.finish_syn()
}
