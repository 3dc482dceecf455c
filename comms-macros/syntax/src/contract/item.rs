//! A trait up to its members; bodies stay tokens.

use proc_macro2::{Span, TokenStream};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Generics, Ident, Signature, Token, TypeParamBound, Visibility, WhereClause, token};

/// A trait.
pub(super) struct TraitItem {
    pub(super) attrs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) unsafety: Option<Token![unsafe]>,
    pub(super) trait_token: Token![trait],
    pub(super) ident: Ident,
    pub(super) generics: Generics,
    pub(super) supertraits: Punctuated<TypeParamBound, Token![+]>,
    pub(super) inner: Vec<Attribute>,
    pub(super) members: Vec<TraitMember>,
}

/// An item of a trait.
pub(super) enum TraitMember {
    Fn(Box<TraitFn>),
    Other { attrs: Vec<Attribute>, tokens: TokenStream },
}

impl TraitMember {
    pub(super) fn attrs(&self) -> &[Attribute] {
        match self {
            Self::Fn(function) => &function.attrs,
            Self::Other { attrs, .. } => attrs,
        }
    }
}

/// A method, with `;` or its body.
pub(super) struct TraitFn {
    pub(super) attrs: Vec<Attribute>,
    pub(super) sig: Signature,
    pub(super) rest: TokenStream,
}

impl TraitFn {
    /// Where its body stands, if it has one.
    pub(super) fn body(&self) -> Option<Span> {
        self.rest.clone().into_iter().find_map(|tree| match tree {
            proc_macro2::TokenTree::Group(group) => Some(group.span_open()),
            _ => None,
        })
    }
}

impl Parse for TraitItem {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = Attribute::parse_outer(input)?;
        let vis = input.parse()?;
        let unsafety = input.parse()?;
        let trait_token = input.parse()?;
        let ident = input.parse()?;
        let mut generics: Generics = input.parse()?;
        let supertraits = match input.parse::<Option<Token![:]>>()? {
            Some(_) => bounds(input)?,
            None => Punctuated::new(),
        };
        generics.where_clause = input.parse::<Option<WhereClause>>()?;
        let body;
        syn::braced!(body in input);
        let inner = Attribute::parse_inner(&body)?;
        let mut members = Vec::new();
        while !body.is_empty() {
            members.push(member(&body)?);
        }
        Ok(Self { attrs, vis, unsafety, trait_token, ident, generics, supertraits, inner, members })
    }
}

fn bounds(input: ParseStream<'_>) -> syn::Result<Punctuated<TypeParamBound, Token![+]>> {
    let mut bounds = Punctuated::new();
    while !input.peek(Token![where]) && !input.peek(token::Brace) {
        bounds.push_value(input.parse()?);
        if !input.peek(Token![+]) {
            break;
        }
        bounds.push_punct(input.parse()?);
    }
    Ok(bounds)
}

fn member(input: ParseStream<'_>) -> syn::Result<TraitMember> {
    let attrs = Attribute::parse_outer(input)?;
    let ahead = input.fork();
    if ahead.parse::<Signature>().is_ok() {
        let sig = input.parse()?;
        return Ok(TraitMember::Fn(Box::new(TraitFn { attrs, sig, rest: rest(input) })));
    }
    Ok(TraitMember::Other { attrs, tokens: rest(input) })
}

/// What stands up to the `;` or the braces that end an item, with them.
fn rest(input: ParseStream<'_>) -> TokenStream {
    let mut tokens = TokenStream::new();
    let mut assigned = false;
    while !input.is_empty() {
        let ends = input.peek(Token![;]) || (input.peek(token::Brace) && !assigned);
        assigned |= input.peek(Token![=]);
        tokens.extend(input.parse::<proc_macro2::TokenTree>());
        if ends {
            break;
        }
    }
    tokens
}
