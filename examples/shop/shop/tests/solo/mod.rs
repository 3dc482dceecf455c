//! The services of the shop as processes of their own, over one broker; who calls whom is in their environment, as in production.

use comms::testing::servers::Port;
use tokio::process::{Child, Command};

pub(crate) const ORDERS: &str = env!("CARGO_BIN_EXE_solo-orders");
pub(crate) const INVENTORY: &str = env!("CARGO_BIN_EXE_solo-inventory");
pub(crate) const BILLING: &str = env!("CARGO_BIN_EXE_solo-billing");
pub(crate) const PAYMENTS: &str = env!("CARGO_BIN_EXE_solo-payments");

/// Where everything is.
pub(crate) struct Solo {
    url: String,
    orders: Port,
    inventory: Port,
    payments: Port,
}

impl Solo {
    /// Over the broker at the URL.
    pub(crate) fn over(url: String) -> Self {
        let port = || Port::reserve().expect("a port");
        Self { url, orders: port(), inventory: port(), payments: port() }
    }

    /// The URL of the broker.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The program with its environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let address = |port: &Port| format!("127.0.0.1:{}", port.number());
        let mut command = Command::new(program);
        command
            .env("COMMS__BROKERS__DEFAULT__URL", &self.url)
            .env("COMMS__ADMIN__ENABLED", "false")
            // A busy provider is no news here.
            .env("COMMS__LOG__FILTER", "error,comms::http=off")
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .kill_on_drop(true);
        match program {
            ORDERS => command
                .env("COMMS__HTTP__ADDRESS", address(&self.orders))
                .env("COMMS__CLIENTS__INVENTORY__ADDRESSES", format!("http://{}", address(&self.inventory))),
            INVENTORY => command.env("COMMS__HTTP__ADDRESS", address(&self.inventory)),
            PAYMENTS => command.env("COMMS__HTTP__ADDRESS", address(&self.payments)),
            BILLING => command.env("COMMS__CLIENTS__PAYMENT_PROVIDER__ADDRESSES", format!("http://{}", address(&self.payments))),
            _ => &mut command,
        };
        command
    }

    /// Starts the program; it is killed when dropped.
    pub(crate) fn start(&self, program: &str) -> Child {
        self.command(program).spawn().expect("the service starts")
    }
}
