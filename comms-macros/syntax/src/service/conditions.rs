//! The `#[cfg]` predicates of a service's fields.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{Field, ServiceStruct};

/// As many predicates as fields of one service may stand under: each doubles what is generated.
pub(super) const MAX: usize = 4;

impl ServiceStruct {
    /// The different predicates that fields stand under.
    #[must_use]
    pub fn conditions(&self) -> Vec<TokenStream> {
        conditions(&self.fields)
    }
}

pub(super) fn conditions(fields: &[Field]) -> Vec<TokenStream> {
    let mut conditions: Vec<TokenStream> = Vec::new();
    for condition in fields.iter().filter_map(Field::condition) {
        if position(&conditions, &condition).is_none() {
            conditions.push(condition);
        }
    }
    conditions
}

fn position(conditions: &[TokenStream], wanted: &TokenStream) -> Option<usize> {
    let wanted = wanted.to_string();
    conditions.iter().position(|condition| condition.to_string() == wanted)
}

impl Field {
    /// The predicate that it stands under, if any.
    fn condition(&self) -> Option<TokenStream> {
        let predicates: Vec<&TokenStream> =
            self.cfgs.iter().filter_map(|cfg| cfg.meta.require_list().ok()).map(|list| &list.tokens).collect();
        match predicates[..] {
            [] => None,
            [predicate] => Some(predicate.clone()),
            _ => Some(quote!(all(#(#predicates),*))),
        }
    }

    /// Which of the conditions it stands under, if any.
    #[must_use]
    pub fn condition_in(&self, conditions: &[TokenStream]) -> Option<usize> {
        self.condition().and_then(|condition| position(conditions, &condition))
    }
}
