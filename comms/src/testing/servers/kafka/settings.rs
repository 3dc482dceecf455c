//! What a broker is given: ports, configuration and a formatted directory.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::builder::KafkaBuilder;
use crate::testing::servers::error::Attempt;
use crate::testing::servers::ports::Port;
use crate::testing::servers::sandbox::Sandbox;
use crate::testing::servers::{Certificates, ServerError};

/// The id of every cluster under test; brokers of others are told apart by their ports.
pub(super) const CLUSTER: &str = "4L6g3nShT-eMCtK--X86sw";

/// A small machine that starts fast.
pub(super) const JAVA: [&str; 8] = [
    "-Xmx256m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
];

/// One broker's place in its cluster. Its ports stay reserved for as long as its value lives, so that a restart finds them free.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) id: usize,
    plain: Port,
    controller: Port,
    sasl: Option<Port>,
    tls: Option<Port>,
    /// What the broker listens on for clients that come through a proxy, and where it sends them: to the proxy.
    proxied: Option<Port>,
    pub(super) proxy: Option<SocketAddr>,
    /// `1@127.0.0.1:port,2@..`
    voters: String,
    members: usize,
}

/// The places of a cluster.
pub(super) struct Seats;

impl Seats {
    pub(super) fn reserve<const N: usize>(options: &KafkaBuilder) -> Result<[Seat; N], ServerError> {
        let mut seats = (1..=N).map(|id| Seat::reserve(id, N, options)).collect::<Result<Vec<_>, _>>()?;
        let voters: Vec<String> = seats.iter().map(|seat| format!("{}@{}", seat.id, local(&seat.controller))).collect();
        seats.iter_mut().for_each(|seat| seat.voters = voters.join(","));
        Ok(seats.try_into().unwrap_or_else(|_| unreachable!("as many as were asked for")))
    }
}

impl Seat {
    fn reserve(id: usize, members: usize, options: &KafkaBuilder) -> Result<Self, ServerError> {
        let further = |wanted: bool| if wanted { Port::reserve().map(Some) } else { Ok(None) };
        let (sasl, tls, proxied) = (further(options.user.is_some())?, further(options.tls)?, further(options.proxied)?);
        let (plain, controller) = (Port::reserve()?, Port::reserve()?);
        Ok(Self { id, plain, controller, sasl, tls, proxied, proxy: None, voters: String::new(), members })
    }

    pub(super) fn address(&self) -> SocketAddr {
        local(&self.plain)
    }

    pub(super) fn sasl_address(&self) -> Option<SocketAddr> {
        self.sasl.as_ref().map(local)
    }

    pub(super) fn tls_address(&self) -> Option<SocketAddr> {
        self.tls.as_ref().map(local)
    }

    /// What a proxy has to lead to.
    pub(super) fn proxied_address(&self) -> Option<SocketAddr> {
        self.proxied.as_ref().map(local)
    }

    /// The listeners for clients; clients go on where a broker says that it is, whichever way they came.
    fn listeners(&self, proxied: Option<SocketAddr>) -> String {
        let others = [("SASL", self.sasl_address()), ("TLS", self.tls_address()), ("PROXIED", proxied)];
        let others = others.into_iter().filter_map(|(name, address)| Some((name, address?)));
        let all: Vec<String> = [("PLAIN", self.address())].into_iter().chain(others).map(|(name, at)| format!("{name}://{at}")).collect();
        all.join(",")
    }
}

fn local(port: &Port) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port.number()).into()
}

/// Writes `server.properties` and what it points at.
pub(super) fn write_files(
    sandbox: &Sandbox,
    options: &KafkaBuilder,
    seat: &Seat,
    certificates: Option<&Certificates>,
) -> Result<(), ServerError> {
    let mut lines = basic_config(sandbox, seat);
    if let Some((user, password)) = &options.user {
        lines.extend(sasl_config(user, password));
    }
    if let Some(files) = certificates {
        lines.extend(tls_config(sandbox, files, options.client_certificate_required)?);
    }
    lines.extend(options.config.iter().cloned());
    sandbox.write("server.properties", &(lines.join("\n") + "\n")).map(drop)
}

fn basic_config(sandbox: &Sandbox, seat: &Seat) -> Vec<String> {
    let (replicas, in_sync) = (seat.members.min(3), if seat.members >= 3 { 2 } else { 1 });
    let (listeners, advertised) = (seat.listeners(seat.proxied_address()), seat.listeners(seat.proxy));
    let text = format!(
        "process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners={listeners},CONTROLLER://{controller}
advertised.listeners={advertised}
inter.broker.listener.name=PLAIN
listener.security.protocol.map=PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,PROXIED:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=3
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
log.index.size.max.bytes=65536
log.cleaner.dedupe.buffer.size=4194304
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=600
controller.quorum.fetch.timeout.ms=1500",
        id = seat.id,
        voters = seat.voters,
        controller = local(&seat.controller),
        data = sandbox.directory().join("data").display(),
    );
    text.lines().map(str::to_owned).collect()
}

fn sasl_config(user: &str, password: &str) -> Vec<String> {
    let module = "org.apache.kafka.common.security";
    let mut lines = vec![
        "listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512".to_owned(),
        format!("listener.name.sasl.plain.sasl.jaas.config={module}.plain.PlainLoginModule required user_{user}=\"{password}\";"),
    ];
    lines.extend(
        ["256", "512"]
            .map(|bits| format!("listener.name.sasl.scram-sha-{bits}.sasl.jaas.config={module}.scram.ScramLoginModule required;")),
    );
    lines
}

fn tls_config(sandbox: &Sandbox, files: &Certificates, required: bool) -> Result<Vec<String>, ServerError> {
    let read = |path: PathBuf| fs::read_to_string(&path).attempt(|| format!("read {}", path.display()));
    let both = read(files.server_key_path())? + &read(files.server_certificate_path())?;
    let keystore = sandbox.write("tls/keystore.pem", &both)?;
    Ok(vec![
        "ssl.keystore.type=PEM".to_owned(),
        format!("ssl.keystore.location={}", keystore.display()),
        "ssl.truststore.type=PEM".to_owned(),
        format!("ssl.truststore.location={}", files.ca_path().display()),
        format!("ssl.client.auth={}", if required { "required" } else { "requested" }),
    ])
}

/// What formatting has made of a directory: paths in it, with what the files hold.
pub(super) struct Formatted {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Formatted {
    pub(super) fn read(sandbox: &Sandbox) -> Result<Self, ServerError> {
        let data = sandbox.data_directory();
        let mut files = Vec::new();
        collect(&data, Path::new(""), &mut files).attempt(|| format!("read {}", data.display()))?;
        Ok(Self { files })
    }

    pub(super) fn write(&self, sandbox: &Sandbox, id: usize) -> Result<(), ServerError> {
        let data = sandbox.data_directory();
        let write = |path: &Path, bytes: &[u8]| -> std::io::Result<()> {
            let target = data.join(path);
            fs::create_dir_all(target.parent().unwrap_or(&data))?;
            match path.to_str() {
                Some("meta.properties") => fs::write(target, with_id(&String::from_utf8_lossy(bytes), id)),
                _ => fs::write(target, bytes),
            }
        };
        self.files.iter().try_for_each(|(path, bytes)| write(path, bytes)).attempt(|| format!("write {}", data.display()))
    }
}

fn collect(base: &Path, below: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) -> std::io::Result<()> {
    for entry in fs::read_dir(base.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => collect(base, &path, files)?,
            false => files.push((path, fs::read(entry.path())?)),
        }
    }
    Ok(())
}

/// The properties with another node's ids: 22 characters of base64 name a directory.
fn with_id(properties: &str, id: usize) -> String {
    let line = |line: &str| match line.split_once('=') {
        Some(("node.id", _)) => format!("node.id={id}\n"),
        Some(("directory.id", text)) => format!("directory.id={}{id}{}\n", &text[..10.min(text.len())], &text[11.min(text.len())..]),
        _ => format!("{line}\n"),
    };
    properties.lines().map(line).collect()
}

/// The user's PATH, and nothing that could change what Java does.
pub(super) fn environment() -> [(&'static str, String); 2] {
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    [("PATH", path), ("LANG", "C.UTF-8".to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_broker_of_a_cluster_has_ids_of_its_own() {
        let formatted = "#Sun\ncluster.id=c\ndirectory.id=pcqxYyPjF0a_1234567890\nnode.id=1\nversion=1\n";
        let of = |id| with_id(formatted, id);
        assert_eq!(of(2), "#Sun\ncluster.id=c\ndirectory.id=pcqxYyPjF02_1234567890\nnode.id=2\nversion=1\n");
        assert_ne!(of(2), of(3));
    }
}
