//! The names and addresses of clients.

use proc_macro2::Ident;

use crate::{Text, names};

/// The name of the item in kebab-case: `PaymentProvider` is `payment-provider`.
pub(crate) fn default_name(ident: &Ident) -> syn::Result<Text> {
    let value = kebab(&names::entry(ident));
    let refused = |why| syn::Error::new(ident.span(), format!("{why}; write `name = \"..\"`"));
    names::name(&value).map_err(refused)?;
    Ok(Text { value, span: ident.span() })
}

fn kebab(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut text = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(at + 1);
        let begins = before.is_some_and(|before| {
            before.is_lowercase() || before.is_ascii_digit() || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
        });
        if c.is_uppercase() && begins {
            text.push('-');
        }
        text.extend(c.to_lowercase().map(|c| if c == '_' { '-' } else { c }));
    }
    text
}

/// The address of a foreign API.
pub(crate) fn address(text: &str) -> Result<(), String> {
    let expected = "expected an address such as \"https://api.example.com\" or \"http://localhost:8080/v1\"";
    let Some(rest) = ["https://", "http://"].into_iter().find_map(|scheme| text.strip_prefix(scheme)) else {
        return Err(format!("`{text}` begins neither with `https://` nor with `http://`: {expected}"));
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() || !rest.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!("`{text}` names no host: {expected}"));
    }
    if rest.contains(['?', '#']) {
        return Err(format!("`{text}` goes on after the path: parameters of the query are arguments of the methods, marked `#[query]`"));
    }
    if host.contains('@') {
        return Err(format!("`{text}` holds credentials, which would stand in documents: send them as a `#[header(\"authorization\")]`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{address, kebab};

    #[test]
    fn names_become_kebab_case() {
        for (name, expected) in [
            ("Inventory", "inventory"),
            ("PaymentProvider", "payment-provider"),
            ("HTTPApi", "http-api"),
            ("Api2Go", "api2-go"),
            ("A_B", "a-b"),
        ] {
            assert_eq!(kebab(name), expected);
        }
    }

    #[test]
    fn an_address_has_a_scheme_and_a_host_and_nothing_behind_the_path() {
        for text in ["https://api.example.com", "http://[::1]:8080/v1"] {
            assert!(address(text).is_ok(), "{text}");
        }
        for text in ["", "api.example.com", "ftp://a", "https://", "https:///v1", "https://a b", "https://a?b=c", "https://user:secret@a"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
