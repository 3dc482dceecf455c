//! What every annotated item has: its kind, its `#[cfg]`s, its documentation. Bodies stay tokens.

use proc_macro2::{Ident, Span, TokenStream};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Path, Signature, Token, Visibility, token};

/// What the models of all attributes have in common.
#[derive(Clone, Debug)]
pub struct Common {
    /// The path of the `comms` crate in expansions: `::comms`, or the option `crate = path`.
    pub krate: Path,
    /// The `#[cfg(..)]` attributes of the item, to be carried onto everything that is generated for it.
    pub cfgs: Vec<Attribute>,
    /// The doc comment, lines joined by newlines, without the leading space.
    pub doc: String,
    /// The item's name, where diagnoses point.
    pub span: Span,
}

impl Common {
    pub(crate) fn new(krate: Option<Path>, attrs: &[Attribute], span: Span) -> Self {
        Self { krate: krate.unwrap_or_else(default_crate), cfgs: cfgs(attrs), doc: doc(attrs), span }
    }
}

/// `::comms`.
pub(crate) fn default_crate() -> Path {
    syn::parse_quote!(::comms)
}

/// The `#[cfg]`s among attributes.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
}

fn doc(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => Some(&pair.value),
        _ => None,
    });
    let texts = lines.filter_map(|value| match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    });
    texts.map(|text| text.strip_prefix(' ').unwrap_or(&text).trim_end().to_owned()).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// What an attribute stands on, told from the first keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// `struct`.
    Struct,
    /// `enum` or `union`.
    Enum,
    /// A function or method.
    Fn,
    /// `impl`, inherent or of a trait.
    Impl,
    /// `trait`.
    Trait,
    /// `mod`.
    Mod,
    /// Something else.
    Other,
}

impl ItemKind {
    /// The kind with its article, for messages.
    #[must_use]
    pub fn described(self) -> &'static str {
        match self {
            Self::Struct => "a struct",
            Self::Enum => "an enum",
            Self::Fn => "a function",
            Self::Impl => "an impl",
            Self::Trait => "a trait",
            Self::Mod => "a module",
            Self::Other => "this item",
        }
    }
}

/// Tells what kind of item the tokens are, without parsing it.
#[must_use]
pub fn item_kind(item: &TokenStream) -> ItemKind {
    let parser = |input: ParseStream<'_>| {
        Attribute::parse_outer(input)?;
        input.parse::<Visibility>()?;
        let kind = keyword_kind(input);
        input.parse::<TokenStream>()?;
        Ok(kind)
    };
    parser.parse2(item.clone()).unwrap_or(ItemKind::Other)
}

/// The kind told by the first keyword that tells one; `const`, `async`, `unsafe` and `extern "C"` come before it.
fn keyword_kind(input: ParseStream<'_>) -> ItemKind {
    while !input.is_empty() {
        let Ok(tree) = input.parse::<proc_macro2::TokenTree>() else { break };
        match tree.to_string().as_str() {
            "struct" => return ItemKind::Struct,
            "enum" | "union" => return ItemKind::Enum,
            "fn" => return ItemKind::Fn,
            "impl" => return ItemKind::Impl,
            "trait" => return ItemKind::Trait,
            "mod" => return ItemKind::Mod,
            "const" | "async" | "unsafe" | "extern" | "default" | "safe" => {}
            text if text.starts_with('"') => {}
            _ => break,
        }
    }
    ItemKind::Other
}

/// A function up to its body, which stays tokens.
pub(crate) struct FnItem {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
}

impl Parse for FnItem {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = Attribute::parse_outer(input)?;
        let vis = input.parse()?;
        let sig = input.parse()?;
        input.parse::<TokenStream>()?;
        Ok(Self { attrs, vis, sig })
    }
}

/// An impl up to its items, which are read one by one.
pub(crate) struct ImplItem {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) generics: syn::Generics,
    /// `!` before the trait.
    pub(crate) negative: Option<Token![!]>,
    /// The trait that it implements.
    pub(crate) of_trait: Option<syn::Type>,
    pub(crate) self_ty: syn::Type,
    pub(crate) body: TokenStream,
}

impl Parse for ImplItem {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = Attribute::parse_outer(input)?;
        let _: Option<Token![unsafe]> = input.parse()?;
        input.parse::<Token![impl]>()?;
        let generics = if input.peek(Token![<]) { input.parse()? } else { syn::Generics::default() };
        let negative = input.parse()?;
        let mut self_ty: syn::Type = input.parse()?;
        let mut of_trait = None;
        if input.parse::<Option<Token![for]>>()?.is_some() {
            of_trait = Some(std::mem::replace(&mut self_ty, input.parse()?));
        }
        let _: Option<syn::WhereClause> = input.parse()?;
        let inner;
        syn::braced!(inner in input);
        Attribute::parse_inner(&inner)?;
        Ok(Self { attrs, generics, negative, of_trait, self_ty, body: inner.parse()? })
    }
}

/// One item of an impl: a function up to its body, or anything else as its attributes.
pub(crate) enum Member {
    Fn(Box<FnItem>),
    Other(Vec<Attribute>),
}

/// The items of an impl.
pub(crate) fn members(input: ParseStream<'_>) -> syn::Result<Vec<Member>> {
    let mut members = Vec::new();
    while !input.is_empty() {
        members.push(member(input)?);
    }
    Ok(members)
}

fn member(input: ParseStream<'_>) -> syn::Result<Member> {
    let attrs = Attribute::parse_outer(input)?;
    let vis: Visibility = input.parse()?;
    let sig = input.fork();
    if sig.parse::<Signature>().is_ok() {
        let sig = input.parse()?;
        skip_body(input);
        return Ok(Member::Fn(Box::new(FnItem { attrs, vis, sig })));
    }
    skip_body(input);
    Ok(Member::Other(attrs))
}

/// Skips to behind the `;` or the braces that end an item. `const X: T = T { .. };` ends at its `;`.
fn skip_body(input: ParseStream<'_>) {
    let mut assigned = false;
    while !input.is_empty() {
        let ends = input.peek(Token![;]) || (input.peek(token::Brace) && !assigned);
        assigned |= input.peek(Token![=]);
        let _: syn::Result<proc_macro2::TokenTree> = input.parse();
        if ends {
            return;
        }
    }
}

/// The name that a type ends in, if it is a plain path without arguments.
pub(crate) fn plain_name(ty: &syn::Type) -> Option<&Ident> {
    let syn::Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    (path.qself.is_none() && path.path.segments.iter().all(|segment| segment.arguments.is_none())).then_some(&last.ident)
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn the_kind_is_told_without_parsing_the_item() {
        assert_eq!(
            item_kind(&quote!(
                #[x]
                pub(crate) struct A;
            )),
            ItemKind::Struct
        );
        assert_eq!(item_kind(&quote!(pub const unsafe extern "C" fn a() { broken , body })), ItemKind::Fn);
        assert_eq!(
            item_kind(&quote!(
                unsafe impl X for Y {}
            )),
            ItemKind::Impl
        );
        assert_eq!(
            item_kind(&quote!(
                const A: u8 = 1;
            )),
            ItemKind::Other
        );
    }

    #[test]
    fn bodies_are_never_parsed() {
        let body = quote! {
            const A: T = T { x: 1 };
            type X = u8;
            fn one(&self) { this is = not (rust) ; }
            thread_local! { x }
        };
        let read = members.parse2(body).unwrap();
        assert_eq!(read.len(), 4);
        assert!(matches!(&read[2], Member::Fn(item) if item.sig.ident == "one"));
    }
}
