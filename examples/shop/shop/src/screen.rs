//! Lines on the terminal, coloured where it is one.
#![allow(clippy::print_stdout, reason = "printing is what this is for")]

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use comms::provider;
use shop_contracts::{InvoiceIssued, OrderPlaced, OrderShipped, PaymentFailed};

/// What is printed once, at start.
const INTRODUCTION: &str = "\
The shop: seven services in this process, talking over HTTP, gRPC and an embedded broker.

  loadgen        places an order each second                    HTTP  -> orders
  orders         has the articles kept                          gRPC  -> inventory
                 makes the order known, ships what was paid     event -> shop.orders
  billing        charges the customer, in order for each        HTTP  -> payments
                 and says how it went                           event -> shop.billing
  notifications  writes to the customer about everything in shop.#
  shop-view      prints the lines below

Each fourth order finds the payment provider busy and is tried again; each seventh is declined; mallory has no
account, so the orders of mallory end among the dead letters; and nobody has ever had a unicorn.

Try, in another terminal:
  curl http://127.0.0.1:9464/health/ready       is it well?
  curl http://127.0.0.1:9464/topology           who says what to whom
  curl -i http://127.0.0.1:8080/orders --json '{\"order_id\": \"mine-1\", \"customer\": \"you\", \"article\": \"lamp\", \"quantity\": 2}'
  curl http://127.0.0.1:8080/orders/mine-1      how far it is
  cargo run -p shop -- wiring                   what is wired, and in which order of layers
  cargo run -p shop -- asyncapi                 the messages, for other languages
  cargo run -p shop -- openapi                  the HTTP interface, for other languages
Over RabbitMQ, with nothing changed but the configuration:
  COMMS__BROKERS__DEFAULT__URL=amqp://guest:guest@localhost cargo run -p shop
or each service as a process of its own: cargo run -p shop-orders, and so on (README.md, beside this crate).

Ctrl-C ends it: what is in hand is finished first.
";

/// Where the lines go; a clone writes to the same place.
#[derive(Clone, Debug, Default)]
pub struct Screen(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    coloured: bool,
    silent: bool,
    open: HashMap<String, Instant>,
    counts: Counts,
}

/// How many orders went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    placed: u64,
    shipped: u64,
    cancelled: u64,
}

/// Colours of a terminal.
#[derive(Clone, Copy)]
enum Colour {
    Plain = 0,
    Dim = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
}

impl Screen {
    /// A screen that shows nothing, for tests.
    #[must_use]
    pub fn silent() -> Self {
        Self(Arc::new(Mutex::new(State { silent: true, ..State::default() })))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An order was placed.
    pub fn placed(&self, event: &OrderPlaced) {
        self.with(|state| {
            state.counts.placed += 1;
            state.open.insert(event.order_id.clone(), Instant::now());
            state.line(Colour::Plain, &event.order_id, &event.customer, &format!("placed    {}", euros(event.total_cents)));
        });
    }

    /// It was paid.
    pub fn invoiced(&self, event: &InvoiceIssued) {
        let text = format!("paid      {}, invoice {} of {}", euros(event.total_cents), event.invoice, event.customer);
        self.with(|state| state.line(Colour::Yellow, &event.order_id, &event.customer, &text));
    }

    /// It was not paid.
    pub fn failed(&self, event: &PaymentFailed) {
        self.with(|state| {
            state.counts.cancelled += 1;
            state.line(Colour::Red, &event.order_id, &event.customer, &format!("cancelled {}", event.reason));
            state.close(&event.order_id);
        });
    }

    /// It left.
    pub fn shipped(&self, event: &OrderShipped) {
        self.with(|state| {
            state.counts.shipped += 1;
            let took = state.open.get(&event.order_id).map(|since| format!("after {} ms", since.elapsed().as_millis()));
            state.line(Colour::Green, &event.order_id, &event.customer, &format!("shipped   {}", took.unwrap_or_default()));
            state.close(&event.order_id);
        });
    }
}

impl State {
    fn line(&self, colour: Colour, order: &str, customer: &str, text: &str) {
        self.print(colour, &format!("{order:<10} {customer:<8} {text}"));
    }

    /// After every tenth order that is done with, how things stand.
    fn close(&mut self, order: &str) {
        self.open.remove(order);
        let Counts { placed, shipped, cancelled } = self.counts;
        if (shipped + cancelled) % 10 == 0 {
            let open = self.open.len();
            self.print(Colour::Dim, &format!("-- {placed} placed, {shipped} shipped, {cancelled} cancelled, {open} open"));
        }
    }

    fn print(&self, colour: Colour, text: &str) {
        match (self.silent, self.coloured) {
            (true, _) => {}
            (_, false) => println!("{text}"),
            (_, true) => println!("\x1b[{}m{text}\x1b[0m", colour as u8),
        }
    }
}

fn euros(cents: u64) -> String {
    format!("{}.{:02} EUR", cents / 100, cents % 100)
}

/// Says what there is to see; runs once, at start.
#[provider]
pub(crate) async fn screen() -> Screen {
    println!("{INTRODUCTION}");
    Screen(Arc::new(Mutex::new(State { coloured: std::io::stdout().is_terminal(), ..State::default() })))
}
