//! Where a service is: the seam that discovery fills.

use std::fmt;
use std::sync::Arc;

use hyper::Uri;
use hyper::http::uri::PathAndQuery;

/// One place where a service answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instance {
    /// `http://host:port`, or `https`; a path in it comes before the path of every request.
    pub uri: Uri,
}

impl Instance {
    /// The instance at the address.
    ///
    /// # Errors
    /// When the address is none of `http` or `https`, or has more in it than host, port and path.
    pub fn at(address: &str) -> Result<Self, InvalidAddress> {
        crate::config::check_address(address).map_err(InvalidAddress)?;
        address.parse().map(|uri| Self { uri }).map_err(|_| InvalidAddress(format!("`{address}` is no URL")))
    }

    /// The URI of a request for the path there.
    pub(super) fn uri_of(&self, wanted: &Uri) -> Uri {
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(self.path_of(wanted));
        // Its parts come from two valid ones, and scheme and authority are there.
        Uri::from_parts(parts).unwrap_or_else(|_| self.uri.clone())
    }

    fn path_of(&self, wanted: &Uri) -> PathAndQuery {
        let path = wanted.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        let base = self.uri.path().trim_end_matches('/');
        if base.is_empty() {
            return path;
        }
        format!("{base}{path}").parse().unwrap_or(path)
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.uri.to_string();
        f.write_str(text.trim_end_matches('/'))
    }
}

/// Who knows where a service is now: the seam that discovery fills, with
/// [`AppBuilder::instances`](crate::AppBuilder::instances).
///
/// Read at every call, so what is returned is kept ready. One that is gone from the list gets no further call; calls that it has in hand
/// end by themselves, and its connections are closed when they have idled.
pub trait Instances: Send + Sync + 'static {
    /// The instances, in no particular order.
    fn current(&self) -> Arc<[Instance]>;
}

/// Whoever that is.
impl Instances for Arc<dyn Instances> {
    fn current(&self) -> Arc<[Instance]> {
        (**self).current()
    }
}

/// Always the same ones.
impl Instances for Arc<[Instance]> {
    fn current(&self) -> Arc<[Instance]> {
        Arc::clone(self)
    }
}

/// An address that can't be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidAddress(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(address: &str, path: &str) -> String {
        Instance::at(address).unwrap().uri_of(&path.parse().unwrap()).to_string()
    }

    #[test]
    fn a_path_in_the_address_comes_first() {
        assert_eq!(asked("http://h:1", "/orders?x=1"), "http://h:1/orders?x=1");
        assert_eq!(asked("http://h:1/", "/orders"), "http://h:1/orders");
        assert_eq!(asked("https://api.example/v1/", "/orders?x=1"), "https://api.example/v1/orders?x=1");
        assert_eq!(Instance::at("http://h:1").unwrap().to_string(), "http://h:1");
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        for (address, why) in [
            ("127.0.0.1:80", "`http://`"),
            ("ftp://h", "`http://`"),
            ("http://", "no URL"),
            ("http://h/?x", "a query"),
            ("http://u:hunter2@h", "a user"),
            ("", "no URL"),
        ] {
            let error = Instance::at(address).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("hunter2"), "{address}: {error}");
        }
    }
}
