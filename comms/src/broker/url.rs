//! The URL of a server, as all brokers write it: `scheme://user:password@host:port,host/path?option=value&..`.

use std::str::FromStr;
use std::time::Duration;

use super::{BrokerError, BrokerErrorKind};
use crate::text::{Size, parse_duration, suggest};

/// How the URLs of one broker differ from those of another.
pub(super) struct Dialect {
    /// The name of the broker, for a person.
    pub(super) broker: &'static str,
    /// The scheme, and the one that speaks TLS.
    pub(super) schemes: [&'static str; 2],
    /// The feature that TLS needs, and whether it is on.
    pub(super) tls: (&'static str, bool),
    /// The names of all options.
    pub(super) options: &'static [&'static str],
    /// What a newcomer may look for, and what to write instead.
    pub(super) elsewhere: &'static [(&'static [&'static str], &'static str)],
}

/// The parts of a URL, read and decoded; the options are read one by one.
pub(super) struct Url<'a> {
    dialect: &'static Dialect,
    /// Whether the scheme asks for TLS.
    pub(super) tls: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    hosts: &'a str,
    pub(super) path: String,
    query: &'a str,
}

/// One option and the value that it is to have.
pub(super) struct Setting<'a> {
    dialect: &'static Dialect,
    pub(super) name: &'a str,
    value: String,
}

impl Dialect {
    pub(super) fn read<'a>(&'static self, url: &'a str) -> Result<Url<'a>, BrokerError> {
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| config_error(format!("a {} URL begins with {}", self.broker, self.either())))?;
        let tls = self.asks_for_tls(scheme)?;
        self.refuse_split_secret(rest)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.rsplit_once('@').map_or((None, authority), |(login, hosts)| (Some(login), hosts));
        let (user, password) = login.map_or((None, None), |login| match login.split_once(':') {
            Some((user, password)) => (Some(user), Some(password)),
            None => (Some(login), None),
        });
        let decoded = |what, text: Option<&str>| text.map(|text| self.decoded(what, text)).transpose();
        let (user, password) = (decoded("user", user)?, decoded("password", password)?);
        Ok(Url { dialect: self, tls, user, password, hosts, path: self.decoded("path", path)?, query })
    }

    fn either(&self) -> String {
        format!("{}:// or {}://", self.schemes[0], self.schemes[1])
    }

    fn asks_for_tls(&self, scheme: &str) -> Result<bool, BrokerError> {
        let ([plain, secure], (feature, is_on)) = (self.schemes, self.tls);
        match scheme {
            _ if scheme == plain => Ok(false),
            _ if scheme == secure && is_on => Ok(true),
            _ if scheme == secure => {
                Err(config_error(format!("{secure}:// needs comms with the feature `{feature}`; add it to the dependency's features")))
            }
            other => Err(config_error(format!("the URL scheme `{other}` is not {}'s: use {}", self.broker, self.either()))),
        }
    }

    /// A sign of the password would end it, and errors would show the pieces.
    fn refuse_split_secret(&self, rest: &str) -> Result<(), BrokerError> {
        let (authority, behind) = rest.find(['/', '?', '#']).map_or((rest, ""), |end| rest.split_at(end));
        if !authority.contains('@') && behind.contains('@') {
            return Err(config_error(format!(
                "the user or the password in the {} URL holds a `/`, `?` or `#`: write %2F, %3F or %23 for it (and %40 for an `@` behind the host)",
                self.broker
            )));
        }
        Ok(())
    }

    /// No C library behind a client could be given a text with an end in its middle.
    fn decoded(&self, what: &str, text: &str) -> Result<String, BrokerError> {
        percent_decode(text).filter(|text| !text.contains('\0')).ok_or_else(|| {
            config_error(format!("the {what} in the {} URL is not percent-encoded UTF-8: write `%25` for a percent sign", self.broker))
        })
    }

    pub(super) fn wrong(&self, name: &str, value: &str, expected: &str) -> BrokerError {
        config_error(format!("`{value}` is no value of `{name}` in the {} URL: expected {expected}", self.broker))
    }
}

impl<'a> Url<'a> {
    /// The servers that it names, or this machine; `port` where it says none.
    pub(super) fn hosts(&self, port: u16) -> Result<Vec<(String, u16)>, BrokerError> {
        if self.hosts.is_empty() {
            return Ok(vec![("localhost".to_owned(), port)]);
        }
        let host = |text| parse_host(text, port).ok_or_else(|| self.dialect.wrong("host", text, "`host`, `host:port` or `[ipv6]:port`"));
        self.hosts.split(',').map(host).collect()
    }

    pub(super) fn settings(&self) -> impl Iterator<Item = Result<Setting<'a>, BrokerError>> + use<'a> {
        let dialect = self.dialect;
        self.query.split('&').filter(|option| !option.is_empty()).map(move |option| {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            Ok(Setting { dialect, name, value: dialect.decoded(name, value)? })
        })
    }
}

#[allow(dead_code, reason = "not every backend has options of every kind")]
impl Setting<'_> {
    pub(super) fn text(&self) -> &str {
        &self.value
    }

    pub(super) fn duration(&self) -> Result<Duration, BrokerError> {
        self.one_duration(&self.value)
    }

    pub(super) fn durations(&self) -> Result<Vec<Duration>, BrokerError> {
        self.value.split(',').map(|text| self.one_duration(text)).collect()
    }

    fn one_duration(&self, text: &str) -> Result<Duration, BrokerError> {
        parse_duration(text).map_err(|_| self.dialect.wrong(self.name, text, "a duration in ms, s, m or h, for example 500ms or 30s"))
    }

    /// A number of bytes.
    pub(super) fn size(&self) -> Result<usize, BrokerError> {
        let size = self.value.parse().map(|Size(bytes)| bytes).or_else(|_| self.value.parse());
        size.ok().and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(|| self.wrong("a size, for example 512KiB or 16MiB"))
    }

    pub(super) fn whole<T: FromStr>(&self) -> Result<T, BrokerError> {
        self.value.parse().map_err(|_| self.wrong("a whole number, for example 10"))
    }

    pub(super) fn flag(&self) -> Result<bool, BrokerError> {
        self.one_of(&[("true", true), ("false", false)])
    }

    pub(super) fn one_of<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, BrokerError> {
        choices.iter().find(|(name, _)| *name == self.value).map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
            let (last, others) = names.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
            self.wrong(&format!("{} or {last}", others.join(", ")))
        })
    }

    /// The value is none that the option can have.
    pub(super) fn wrong(&self, expected: &str) -> BrokerError {
        self.dialect.wrong(self.name, &self.value, expected)
    }

    /// There is no such option.
    pub(super) fn unknown(&self) -> BrokerError {
        let Dialect { broker, options, elsewhere, .. } = self.dialect;
        let name = self.name;
        if let Some((_, said)) = elsewhere.iter().find(|(names, _)| names.contains(&name)) {
            return config_error(format!("the {broker} URL has no option `{name}`: {said}"));
        }
        config_error(format!("the {broker} URL has no option `{name}`: {}", suggest(name, options.iter().copied())))
    }
}

/// Undoes percent-encoding; `None` for a broken escape or what is no UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let value = digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn parse_host(text: &str, default_port: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':')?)),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Some(default_port), |port| port.parse().ok())?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

/// `host:port,host:port`, for a person and for clients that take it so.
pub(super) fn join_hosts(hosts: &[(String, u16)]) -> String {
    let one = |(host, port): &(String, u16)| if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    hosts.iter().map(one).collect::<Vec<_>>().join(",")
}

/// What is wrong with a URL or an option in it, and what to write.
pub(super) fn config_error(message: impl Into<String>) -> BrokerError {
    BrokerError::new(BrokerErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    static POST: Dialect = Dialect {
        broker: "Post",
        schemes: ["post", "posts"],
        tls: ("post-tls", false),
        options: &["window", "wait", "rungs"],
        elsewhere: &[(&["acks"], "leave it out")],
    };

    fn said<T>(result: Result<T, BrokerError>) -> String {
        result.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn all_parts_are_read_and_decoded() {
        let url = POST.read("post://me:p%40ss@h1,[::1]:7/a%2Fb?window=3&wait=5s&rungs=1s,2m&&acks").unwrap();
        assert_eq!((url.tls, url.user.as_deref(), url.password.as_deref(), url.path.as_str()), (false, Some("me"), Some("p@ss"), "a/b"));
        assert_eq!(url.hosts(9).unwrap(), [("h1".to_owned(), 9), ("::1".to_owned(), 7)]);
        assert_eq!(join_hosts(&url.hosts(9).unwrap()), "h1:9,[::1]:7");
        let settings: Vec<_> = url.settings().map(Result::unwrap).collect();
        assert_eq!((settings[0].name, settings[0].whole::<u8>().unwrap()), ("window", 3));
        assert_eq!(settings[1].duration().unwrap(), Duration::from_secs(5));
        assert_eq!(settings[2].durations().unwrap(), [1, 120].map(Duration::from_secs));
        assert_eq!((settings.len(), settings[3].text()), (4, ""));
        let sizes =
            POST.read("post://h?a=7&b=1KiB&c=1MB").unwrap().settings().map(|size| size.unwrap().size().unwrap()).collect::<Vec<_>>();
        assert_eq!(sizes, [7, 1 << 10, 1_000_000]);
    }

    #[test]
    fn broken_escapes_are_refused() {
        assert_eq!(percent_decode("a%2fb%C3%BC").as_deref(), Some("a/bü"));
        for broken in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(percent_decode(broken), None, "{broken}");
        }
    }

    #[test]
    fn nothing_named_is_this_machine_and_nobody() {
        let url = POST.read("post://").unwrap();
        assert_eq!(url.hosts(9).unwrap(), [("localhost".to_owned(), 9)]);
        assert!(url.user.is_none() && url.path.is_empty() && url.settings().next().is_none());
        assert_eq!(POST.read("post://me@h").unwrap().password, None);
    }

    #[test]
    fn what_is_wrong_is_named_with_what_to_write() {
        for (url, advice) in [
            ("h", "begins with post:// or posts://"),
            ("letter://h", "`letter` is not Post's"),
            ("posts://h", "feature `post-tls`"),
            ("post://me:a/b@h", "%2F"),
            ("post://me:%zz@h", "the password in the Post URL"),
            ("post://me:a%00@h", "the password in the Post URL"),
        ] {
            let error = said(POST.read(url));
            assert!(error.contains(advice) && !error.contains("a/b"), "{url}: {error}");
        }
        for hosts in ["h:x", "a,,b", "[::1]x", ":7"] {
            assert!(said(POST.read(&format!("post://{hosts}")).unwrap().hosts(9)).contains("`host:port`"), "{hosts}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_and_an_option_that_is_not_there_say_so() {
        let setting = |text: &'static str| POST.read(text).unwrap().settings().next().unwrap().unwrap();
        assert!(said(setting("post://h?window=x").whole::<u8>()).contains("`x` is no value of `window` in the Post URL"));
        assert!(said(setting("post://h?window=yes").flag()).contains("expected `true` or `false`"));
        assert!(said(setting("post://h?rungs=1s,2").durations()).contains("`2` is no value of `rungs`"));
        assert!(said(setting("post://h?window=1M").size()).contains("512KiB"));
        assert!(said(setting("post://h?wait=c").one_of(&[("a", 1), ("b", 2), ("d", 3)])).contains("`a`, `b` or `d`"));
        assert!(setting("post://h?windw=1").unknown().to_string().contains("did you mean `window`?"));
        assert!(setting("post://h?acks=1").unknown().to_string().ends_with("leave it out"));
        assert!(
            said(POST.read("post://h?wait=%f").unwrap().settings().collect::<Result<Vec<_>, _>>()).contains("the wait in the Post URL")
        );
    }
}
