//! Values that are never printed, and URLs that may carry one.

use std::fmt;

/// What stands in the place of a secret wherever it would be printed.
pub const MASK: &str = "***";

/// A value that no `Debug`, `Display` or `Serialize` ever shows.
///
/// ```
/// use comms::config::Secret;
/// let password = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{password} {password:?}"), "*** ***");
/// assert_eq!(password.expose(), "hunter2");
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Keeps the value to itself.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. What is made of it must not be printed either.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> serde::Serialize for Secret<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Secret<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// The URL as it may be printed: without the password of its user, and without parameters that look like secrets.
#[must_use]
pub fn mask_url(url: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let address = match userinfo(address) {
        Some((before, (user, Some(_)), after)) => format!("{before}{user}:{MASK}@{after}"),
        _ => address.to_owned(),
    };
    query.map_or(address.clone(), |query| format!("{address}?{}", mask_query(query)))
}

/// Whether the URL carries a password.
pub(super) fn has_password(url: &str) -> bool {
    matches!(userinfo(url), Some((_, (_, Some(_)), _)))
}

/// The URL with the password in it, percent-encoded.
pub(super) fn with_password(url: &str, password: &str) -> String {
    let encoded = percent_encode(password);
    match userinfo(url) {
        Some((before, (user, _), after)) => format!("{before}{user}:{encoded}@{after}"),
        None => url.split_once("://").map_or_else(|| url.to_owned(), |(scheme, rest)| format!("{scheme}://:{encoded}@{rest}")),
    }
}

type UserInfo<'a> = (&'a str, (&'a str, Option<&'a str>), &'a str);

/// What is before the user, the user and the password, what is after the `@`.
fn userinfo(url: &str) -> Option<UserInfo<'_>> {
    let start = url.find("://")? + 3;
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |length| start + length);
    // A password that was not percent-encoded may hold a `/` or `#`: rather mask too much than too little.
    let at = url[start..end].rfind('@').map(|at| start + at).or_else(|| url[start..].rfind('@').map(|at| start + at))?;
    let info = &url[start..at];
    let parts = info.split_once(':').map_or((info, None), |(user, password)| (user, Some(password)));
    Some((&url[..start], parts, &url[at + 1..]))
}

fn mask_query(query: &str) -> String {
    let parts: Vec<String> = query.split('&').map(mask_parameter).collect();
    parts.join("&")
}

fn mask_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if looks_secret(name) => format!("{name}={MASK}"),
        _ => parameter.to_owned(),
    }
}

/// Whether what has this name is better not printed. Made for the user's own tables, where nothing declares it.
pub(super) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '_', '.'], "");
    let words = ["password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "privatekey", "accesskey"];
    words.iter().any(|word| name.contains(word)) && !name.ends_with("file") && !name.ends_with("path")
}

fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {:#?}", Some(&secret)), "*** *** Some(\n    ***,\n)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
    }

    #[test]
    fn the_password_of_a_url_is_masked() {
        assert_eq!(mask_url("amqp://user:pw@host:5672/vhost"), "amqp://user:***@host:5672/vhost");
        assert_eq!(mask_url("amqp://user:p/w#x@host/v"), "amqp://user:***@host/v");
        assert_eq!(mask_url("amqp://user@host"), "amqp://user@host");
        assert_eq!(mask_url("amqp://h1,h2/v?heartbeat=5s&auth_token=abc"), "amqp://h1,h2/v?heartbeat=5s&auth_token=***");
        assert_eq!(mask_url("memory:?log=5"), "memory:?log=5");
        assert_eq!(mask_url("nonsense"), "nonsense");
    }

    #[test]
    fn a_password_is_put_into_a_url_encoded() {
        assert_eq!(with_password("amqp://user@host/v", "p@/w"), "amqp://user:p%40%2Fw@host/v");
        assert_eq!(with_password("redis://host", "pw"), "redis://:pw@host");
        assert!(has_password(&with_password("amqp://user@host/v", "")));
    }

    #[test]
    fn names_of_secrets_are_recognised_and_names_of_files_are_not() {
        for name in ["password", "SMTP_PASSWORD", "client-secret", "apiKey", "auth.token"] {
            assert!(looks_secret(name), "{name}");
        }
        for name in ["password_file", "key", "topic", "secret_path"] {
            assert!(!looks_secret(name), "{name}");
        }
    }
}
