//! Who takes part.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Arrivals;
use crate::process::cpu;

/// Something that takes messages to a broker and back. Its group is declared, and nobody consumes yet.
pub trait Party: Send {
    /// Publishes so many, pipelined, and waits until all are confirmed.
    fn publish(&self, messages: usize) -> BoxFuture<'_, ()>;

    /// Begins to consume.
    fn attach(&mut self) -> BoxFuture<'_, ()>;

    /// Begins to count what is handled.
    fn expect(&self, messages: usize) -> BoxFuture<'_, ()> {
        self.arrivals().expect(messages);
        Box::pin(std::future::ready(()))
    }

    /// What was handled.
    fn arrivals(&self) -> &Arrivals;

    /// The processor time that it took so far.
    fn cpu(&self) -> Duration {
        cpu()
    }

    /// Ends, and closes its connections.
    fn leave(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Makes a party: by the name of its objects, and the bytes of its payloads.
type Join = Box<dyn Fn(String, usize) -> BoxFuture<'static, Box<dyn Party>>>;

/// Makes a party for each round, with a broker's objects of its own: those of `name`.
pub struct Contestant {
    /// Its name in the tables.
    pub name: &'static str,
    /// Makes one that publishes messages of so many bytes.
    pub join: Join,
}

impl Contestant {
    /// A contestant whose parties are made by the function.
    pub fn new<F, P>(name: &'static str, join: impl Fn(String, usize) -> F + 'static) -> Self
    where
        F: Future<Output = P> + Send + 'static,
        P: Party + 'static,
    {
        let join = move |name, bytes| -> BoxFuture<'static, Box<dyn Party>> {
            let party = join(name, bytes);
            Box::pin(async move { Box::new(party.await) as Box<dyn Party> })
        };
        Self { name, join: Box::new(join) }
    }
}

impl std::fmt::Debug for Contestant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Contestant").field(&self.name).finish()
    }
}
