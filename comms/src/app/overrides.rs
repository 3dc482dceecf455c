//! What the configuration changes in what the attributes say.

#[cfg(feature = "grpc")]
use crate::config::LimitConfig;
use crate::config::{HandlerConfig, SubscriptionConfig};
use crate::handler::{HandlerDecl, SubscriptionDecl};

/// The handler as it will run.
pub(crate) fn handler(mut decl: HandlerDecl, config: &HandlerConfig) -> HandlerDecl {
    decl.timeout = config.timeout.unwrap_or(decl.timeout);
    decl.retry.max = config.retry.max.unwrap_or(decl.retry.max);
    decl.retry.immediate = config.retry.immediate.unwrap_or(decl.retry.immediate);
    if let Some((first, longest)) = config.retry.backoff {
        decl.retry = decl.retry.backoff(first, longest);
    }
    decl
}

/// The route as it will answer.
#[cfg(feature = "http")]
pub(crate) fn route(decl: crate::http::RouteDecl, config: &HandlerConfig) -> crate::http::RouteDecl {
    decl.timeout(config.timeout.unwrap_or(decl.timeout))
}

/// What is said of the method of a gRPC service, if anything is.
#[cfg(feature = "grpc")]
pub(crate) fn rpc(
    declared: Option<crate::grpc::RpcDecl>,
    method: &'static str,
    location: crate::location::Location,
    config: &HandlerConfig,
) -> Option<crate::grpc::RpcDecl> {
    let LimitConfig { request, answer, .. } = config.limit;
    if (config.timeout, request, answer) == (None, None, None) {
        return declared;
    }
    let mut said = declared.unwrap_or(crate::grpc::RpcDecl::new(method, location));
    said.timeout = config.timeout.or(said.timeout);
    said.request_limit = request.or(said.request_limit);
    said.answer_limit = answer.or(said.answer_limit);
    Some(said)
}

/// The subscription as it will run.
pub(crate) fn subscription(mut decl: SubscriptionDecl, config: &SubscriptionConfig) -> SubscriptionDecl {
    decl.concurrency = config.concurrency.unwrap_or(decl.concurrency);
    if let Some(window) = config.dedup {
        decl.dedup = Some(window).filter(|window| !window.is_zero());
    }
    if let Some(rate) = config.throttle {
        decl.throttle = rate;
    }
    decl
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::handler::Location;

    #[test]
    fn only_what_is_configured_changes() {
        let config = Config::from_toml(
            "[service.s.handler.h]\nretry = { max = 3 }\n[service.s.subscription.t]\nconcurrency = 4\ndedup = \"0s\"\n[service.s.handler.i]\ntimeout = \"1s\"\nretry = { immediate = 1, backoff = \"1s..2s\" }\n",
        )
        .unwrap();
        let decl = HandlerDecl::new("h", Location::new("lib.rs", 1));
        assert_eq!(handler(decl, &config.handler("s", "h")), decl.retry(decl.retry.max(3)));
        let retry = decl.retry.immediate(1).backoff(Duration::from_secs(1), Duration::from_secs(2));
        assert_eq!(handler(decl, &config.handler("s", "i")), decl.retry(retry).timeout(Duration::from_secs(1)));
        let declared = SubscriptionDecl::new("t").dedup(Duration::from_secs(9));
        assert_eq!(subscription(declared, &config.subscription("s", "t", "s")), SubscriptionDecl::new("t").concurrency(4));
        assert_eq!(subscription(declared, &config.subscription("s", "other", "s")), declared);
    }
}
