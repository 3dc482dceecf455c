//! The names that expansions and generated wiring must agree on, and the forms that identities take.

use proc_macro2::Ident;
use quote::format_ident;
use syn::Path;

/// The descriptor of a free function handler or of a provider: `__comms_on_paid`.
#[must_use]
pub fn function_descriptor(function: &Ident) -> Ident {
    format_ident!("__comms_{}", entry(function))
}

/// The descriptor of a method handler: `__comms_Billing_on_order_placed`.
#[must_use]
pub fn method_descriptor(service: &Ident, method: &Ident) -> Ident {
    format_ident!("__comms_{}_{}", entry(service), entry(method))
}

/// A method handler in the index: `Billing::on_order_placed`.
#[must_use]
pub fn method_entry(service: &Ident, method: &Ident) -> String {
    format!("{}::{}", entry(service), entry(method))
}

/// The descriptor of an implementation: `__comms_Bank_Payments`, or `__comms_Bank_v1_Payments` of `v1::Payments`.
#[must_use]
pub fn implementation_descriptor(service: &Ident, contract: &Path) -> Ident {
    format_ident!("__comms_{}_{}", entry(service), words(contract).join("_"))
}

/// An implementation in the index: `Bank::Payments`.
#[must_use]
pub fn implementation_entry(service: &Ident, contract: &Path) -> String {
    format!("{}::{}", entry(service), words(contract).join("::"))
}

fn words(path: &Path) -> Vec<String> {
    path.segments.iter().map(|segment| entry(&segment.ident)).collect()
}

/// What is generated beside a trait: its name with something behind it.
#[must_use]
pub fn beside(item: &Ident, suffix: &str) -> Ident {
    Ident::new(&format!("{}{suffix}", entry(item)), item.span())
}

/// Any other annotated item in the index: its name, without `r#`.
#[must_use]
pub fn entry(item: &Ident) -> String {
    let text = item.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// A topic: what every broker takes without escaping.
pub(crate) fn topic(text: &str) -> Result<(), String> {
    dotted(text, "topic", is_word)
}

/// A topic, or a pattern of topics.
pub(crate) fn topic_pattern(text: &str) -> Result<(), String> {
    dotted(text, "topic or pattern of topics (where a word may also be `*` or `#`)", |word| word == "*" || word == "#" || is_word(word))
}

/// The name of a service, group or broker: one word, since brokers join a group to its topic with a dot.
pub(crate) fn name(text: &str) -> Result<(), String> {
    if text.len() <= 100 && is_word(text) {
        return Ok(());
    }
    Err(format!("`{text}` is not a name: expected `a-z`, `0-9`, `-` and `_`, without a dot, at most 100 bytes"))
}

fn dotted(text: &str, what: &str, is_part: impl Fn(&str) -> bool) -> Result<(), String> {
    if text.len() <= 200 && text.split('.').all(is_part) {
        return Ok(());
    }
    Err(format!("`{text}` is not a {what}: expected words of `a-z`, `0-9`, `-` and `_` with dots between, at most 200 bytes"))
}

/// The name of a message on the wire; foreign systems use capitals and slashes too.
pub(crate) fn wire_name(text: &str) -> Result<(), String> {
    if (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!("`{text}` is not a wire name: expected 1 to 200 visible ASCII characters, such as \"orders.order-placed\""))
}

/// The version of a service, as <https://semver.org> writes it.
pub(crate) fn service_version(text: &str) -> Result<(), String> {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if numbers.len() == 3 && numbers.iter().all(is_number) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!("`{text}` is not a version: expected three numbers, such as \"1.2.0\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_what_every_broker_takes() {
        assert!(topic("shop.orders-eu").is_ok());
        for text in ["", "Orders", "a..b", "a b", "shop.*"] {
            assert!(topic(text).is_err(), "{text}");
        }
        assert!(topic_pattern("shop.*.#").is_ok());
    }

    #[test]
    fn versions_have_three_numbers() {
        assert!(service_version("1.2.0-rc.1+build").is_ok());
        for text in ["", "1", "1.2", "v1.2.3", "1.2.x"] {
            assert!(service_version(text).is_err(), "{text}");
        }
    }
}
