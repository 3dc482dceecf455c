//! Free loopback ports that stay ours, also between a server's death and its restart.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;

use super::ServerError;

/// Below the range from which systems take the local ports of outgoing connections (Linux from
/// 32768, others from 49152): a client's connection never sits on a port that a server wants back.
const RANGE: RangeInclusive<u16> = 20_000..=32_000;

/// A TCP port on 127.0.0.1 that no other reservation on this machine holds.
///
/// The UDP socket of the same number is the lock: it keeps other test processes away, leaves the
/// TCP port to the server, needs no file, and goes away with the process however that ends. For services of your own that a test
/// starts as processes; those that it starts in its own process take port 0.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: UdpSocket,
}

impl Port {
    /// Reserves a port that nobody listens on, starting at a random place in the range.
    ///
    /// # Errors
    /// When there is none.
    pub fn reserve() -> Result<Self, ServerError> {
        let start = RandomState::new().build_hasher().finish() as usize % RANGE.len();
        let mut candidates = RANGE.cycle().skip(start).take(RANGE.len());
        candidates.find_map(Self::try_number).ok_or(ServerError::NoPort { from: *RANGE.start(), to: *RANGE.end() })
    }

    /// The port.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    fn try_number(number: u16) -> Option<Self> {
        let lock = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Self { number, _lock: lock })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn reserved_ports_are_distinct_and_free_for_tcp() {
        let ports: Vec<_> = (0..50).map(|_| Port::reserve().unwrap()).collect();
        let numbers: HashSet<_> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), ports.len());
        for port in &ports {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).unwrap();
        }
    }

    #[test]
    fn a_reserved_port_is_refused_to_others_until_it_is_dropped() {
        let port = Port::reserve().unwrap();
        let number = port.number();
        assert!(Port::try_number(number).is_none());
        drop(port);
        assert!(Port::try_number(number).is_some());
    }
}
