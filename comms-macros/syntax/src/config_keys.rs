//! The keys that `comms.toml` knows, in one plain table: checked at build time and at start, printed by
//! `config`, and the list behind every "did you mean".
//!
//! This file stands twice, word for word, in `comms` and in `comms-syntax`, since neither may depend on
//! the other; a test of `comms` compares them.

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Any text.
    Text,
    /// Text that is never printed.
    Secret,
    /// A URL; a password in it is masked when it is printed.
    Url,
    /// A list of URLs of services, `["http://host:port"]`.
    Addresses,
    /// An IP address and a port, `127.0.0.1:9464`; port 0 is any free one.
    Address,
    /// A whole number within bounds.
    Integer {
        /// The smallest that makes sense.
        min: i64,
        /// The largest that makes sense.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// A whole number and a unit: `250ms`, `5s`, `2m`, `1h`.
    Duration,
    /// A whole number and a unit within bounds: `64KiB`.
    Size {
        /// The fewest bytes that make sense.
        min: u64,
        /// The most bytes that make sense.
        max: u64,
    },
    /// A whole number and a unit of time, `100/s`, or `off`.
    Rate,
    /// Two durations, the first not above the second: `100ms..30s`.
    DurationRange,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A table of these keys.
    Table(&'static [Key]),
    /// A table whose names are chosen elsewhere, each with a table of these keys.
    Named {
        /// What is named, in a word: `service`.
        what: &'static str,
        /// What each of them knows.
        keys: &'static [Key],
    },
    /// The user's own: anything.
    Free,
}

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Its value when nothing sets it, as text; none where the attribute in the code decides, or nothing.
    pub default: Option<&'static str>,
    /// What it is for.
    pub doc: &'static str,
}

impl Key {
    const fn new(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self { name, shape, default: None, doc }
    }

    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }
}

/// What may stand at the top of the file, and in each `[profile.NAME]`.
pub const ROOT: &[Key] = &[
    Key::new(
        "brokers",
        Shape::Named { what: "broker", keys: BROKER },
        "The named brokers; message types use `default` unless they say otherwise.",
    ),
    Key::new("service", Shape::Named { what: "service", keys: SERVICE }, "Overrides of what the attributes of a service say."),
    Key::new("http", Shape::Table(HTTP), "The HTTP port: the routes of the services. It is opened when there is one."),
    Key::new("grpc", Shape::Table(GRPC), "The gRPC services, and their port if they have one of their own."),
    Key::new("clients", Shape::Named { what: "client", keys: CLIENT }, "Where other services are, and how long calls may take."),
    Key::new("admin", Shape::Table(ADMIN), "The admin port: health, info, topology."),
    Key::new("metrics", Shape::Table(METRICS), "What is measured for `/metrics` at the admin port."),
    Key::new("log", Shape::Table(LOG), "What is logged, and how."),
    Key::new("shutdown", Shape::Table(SHUTDOWN), "How the process ends."),
    Key::new("app", Shape::Free, "Yours; reached through the injected `Settings`."),
];

/// The one key that only the top of a file knows: it holds a table for each profile, with the keys of [`ROOT`].
pub const PROFILE: &str = "profile";

/// The keys of `[brokers.NAME]`.
pub const BROKER: &[Key] = &[
    Key::new("url", Shape::Url, "Where it is; the scheme chooses the backend: `memory:`, `amqp://user@host:5672/vhost`."),
    Key::new("password", Shape::Secret, "The password for the user in `url`."),
    Key::new("password_file", Shape::Text, "A file that holds the password; a line end at its end is not part of it."),
];

/// The keys of `[service.NAME]`.
pub const SERVICE: &[Key] = &[
    Key::new(
        "subscription",
        Shape::Named { what: "subscription", keys: SUBSCRIPTION },
        "By topic as declared, or `topic@group` where the service subscribes to the topic in several groups.",
    ),
    Key::new("handler", Shape::Named { what: "handler", keys: HANDLER }, "By the name of the method or function."),
];

/// The keys of `[service.NAME.subscription."TOPIC"]`.
pub const SUBSCRIPTION: &[Key] = &[
    Key::new("concurrency", Shape::Integer { min: 1, max: 65_535 }, "How many messages this process handles at once."),
    Key::new("dedup", Shape::Duration, "For how long ids of handled messages are remembered; `0s` switches it off."),
    Key::new("throttle", Shape::Rate, "How many messages this process takes in a time, at most: `100/s`; `off` lifts it."),
];

/// The keys of `[service.NAME.handler.NAME]`.
pub const HANDLER: &[Key] = &[
    Key::new("timeout", Shape::Duration, "How long one attempt may take."),
    Key::new("retry", Shape::Table(RETRY), "How failures are retried."),
    Key::new("limit", Shape::Table(LIMIT), "How large the messages of a gRPC method may be."),
];

/// The keys of `limit`.
pub const LIMIT: &[Key] = &[
    Key::new("request", Shape::Size { min: 1, max: 1 << 31 }, "How large a message of a caller may be."),
    Key::new("answer", Shape::Size { min: 1, max: 1 << 31 }, "How large a message of an answer may be, before it is compressed."),
];

/// The keys of `retry`.
pub const RETRY: &[Key] = &[
    Key::new("max", Shape::Integer { min: 0, max: 1_000_000 }, "How many retries follow the first attempt, over both levels."),
    Key::new("immediate", Shape::Integer { min: 0, max: 1_000 }, "How many of them are made at once, holding the slot."),
    Key::new("backoff", Shape::DurationRange, "The delay before the first retry and the longest one."),
];

/// The keys of `[http]`.
pub const HTTP: &[Key] = &[
    Key::new("enabled", Shape::Boolean, "Whether the HTTP port is opened, if there are routes.").or("true"),
    Key::new("address", Shape::Address, "Where it listens. Every process on a machine needs one of its own.").or("127.0.0.1:8080"),
    Key::new("header_limit", Shape::Size { min: 1 << 10, max: 256 << 10 }, "How large the head of a request may be.").or("16KiB"),
    Key::new(
        "read_timeout",
        Shape::Duration,
        "How long the head of a request may take to come, and each wait for more of its body; an idle connection is closed after it.",
    )
    .or("10s"),
    Key::new(
        "max_connections",
        Shape::Integer { min: 1, max: 1_000_000 },
        "How many connections are served at once; further ones wait in the queue of the operating system.",
    )
    .or("10000"),
    Key::new("write_timeout", Shape::Duration, "How long a client may take nothing of its answer; then its connection is closed.")
        .or("30s"),
    Key::new("compression", Shape::Boolean, "Whether answers are sent in gzip to clients that read it.").or("false"),
    Key::new(
        "keep_alive_interval",
        Shape::Duration,
        "How often a silent client of HTTP/2 is asked whether it is still there; as `read_timeout` when nothing is said.",
    ),
    Key::new(
        "keep_alive_timeout",
        Shape::Duration,
        "How long its answer may take; then its connection is closed. As `read_timeout` when nothing is said.",
    ),
    Key::new("tls", Shape::Table(HTTP_TLS), "HTTPS: with it, nothing else is spoken on the port."),
    Key::new("public_url", Shape::Url, "Where clients reach the port, for the OpenAPI document: `https://api.shop.example`."),
];

/// The keys of `[http.tls]`.
pub const HTTP_TLS: &[Key] = &[
    Key::new("certificate", Shape::Text, "The PEM file of the certificate, and of those up to its authority."),
    Key::new("key", Shape::Text, "The PEM file of its private key."),
    Key::new("client_ca", Shape::Text, "The PEM file of an authority; only clients with a certificate of it are answered."),
];

/// The keys of `[grpc]`.
pub const GRPC: &[Key] = &[
    Key::new("enabled", Shape::Boolean, "Whether gRPC is answered at a port, if there are gRPC services.").or("true"),
    Key::new("address", Shape::Address, "Where it listens. Left out: at the port of HTTP. The limits of `[http]` hold for both."),
    Key::new("request_limit", Shape::Size { min: 1 << 10, max: 1 << 31 }, "How large a message of a caller may be.").or("4MiB"),
    Key::new("answer_limit", Shape::Size { min: 1 << 10, max: 1 << 31 }, "How large a message of an answer may be.").or("4MiB"),
    Key::new(
        "read_timeout",
        Shape::Duration,
        "How long each wait for more of a request message may take that has begun; then the call ends with `DeadlineExceeded`.",
    )
    .or("10s"),
    Key::new("message_timeout", Shape::Duration, "How long a whole request message may take to come.").or("60s"),
    Key::new("compression", Shape::Boolean, "Whether answers are compressed with gzip, for callers that read it.").or("false"),
    Key::new("health", Shape::Boolean, "Whether `grpc.health.v1.Health` is answered.").or("true"),
    Key::new("reflection", Shape::Boolean, "Whether `grpc.reflection` tells the `.proto` files of the services.").or("true"),
    Key::new(
        "stream_grace",
        Shape::Duration,
        "How long streams may go on once the process was told to stop; then they end with `Unavailable`.",
    )
    .or("1s"),
];

/// The keys of `[clients.NAME]`.
pub const CLIENT: &[Key] = &[
    Key::new("addresses", Shape::Addresses, "Where the service is; called in turn, and one that can't be connected to is passed over."),
    Key::new("protocol", Shape::OneOf(&["http1", "http2"]), "The version of HTTP; gRPC has HTTP/2 whatever is said here.").or("http1"),
    Key::new("connect_timeout", Shape::Duration, "How long connecting to one address may take, TLS included.").or("1s"),
    Key::new(
        "attempt_timeout",
        Shape::Duration,
        "How long an attempt may wait for the head of the answer once its request is sent; as long as the call when nothing is said.",
    ),
    Key::new(
        "timeout",
        Shape::Duration,
        "How long a whole call may take; what the attribute says when nothing is said, else what the method says, else 30s.",
    ),
    Key::new("read_timeout", Shape::Duration, "How long each wait for more of an answer's body may take.").or("30s"),
    Key::new("max_idle", Shape::Integer { min: 0, max: 100_000 }, "How many idle connections to one address are kept.").or("256"),
    Key::new("idle_timeout", Shape::Duration, "For how long an idle connection is kept.").or("90s"),
    Key::new("answer_limit", Shape::Size { min: 1 << 10, max: 1 << 30 }, "How large an answer may be.").or("4MiB"),
    Key::new("tls", Shape::Table(CLIENT_TLS), "How `https` addresses are connected to."),
];

/// The keys of `[clients.NAME.tls]`.
pub const CLIENT_TLS: &[Key] = &[
    Key::new("ca", Shape::Text, "A PEM file with the authorities that are trusted; those of the operating system when nothing is said."),
    Key::new("certificate", Shape::Text, "A PEM file with the certificate that the client shows."),
    Key::new("key", Shape::Text, "A PEM file with the key of that certificate."),
    Key::new("server_name", Shape::Text, "The name that the server's certificate is for; the host of the address when nothing is said."),
];

/// The keys of `[admin]`.
pub const ADMIN: &[Key] = &[
    Key::new("enabled", Shape::Boolean, "Whether the admin port is opened.").or("true"),
    Key::new("address", Shape::Address, "Where it listens. Every process on a machine needs one of its own.").or("127.0.0.1:9464"),
];

/// The keys of `[metrics]`.
pub const METRICS: &[Key] = &[Key::new(
    "lag_interval",
    Shape::Duration,
    "How often the brokers are asked how far each subscription is behind; `0s` switches it off.",
)
.or("15s")];

/// The keys of `[log]`.
pub const LOG: &[Key] = &[
    Key::new("format", Shape::OneOf(&["auto", "pretty", "json"]), "`auto` is pretty on a terminal, else JSON.").or("auto"),
    Key::new("filter", Shape::Text, "A level, or directives as in `info,billing=debug`.").or("info"),
];

/// The keys of `[shutdown]`.
pub const SHUTDOWN: &[Key] = &[
    Key::new(
        "unready_for",
        Shape::Duration,
        "For how long the process says that it is not ready, and goes on as ever, before it closes its ports.",
    )
    .or("0s"),
    Key::new("timeout", Shape::Duration, "How long work in flight may take to finish once the process takes no more.").or("30s"),
];
