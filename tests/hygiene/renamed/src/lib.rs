//! The runtime under another name, and behind a crate of the user's own: `crate = path` says where it is.
#![deny(warnings)]

use wires::{command, event, event_handler, provider, query, service};

/// What a team's own crate would re-export.
pub mod platform {
    pub use wires as messaging;
}

/// An event.
#[event(name = "renamed.happened", version = 1, topic = "renamed", key = id, crate = wires)]
pub struct Happened {
    /// Its key.
    pub id: u64,
}

/// A command.
#[command(name = "renamed.do", version = 1, owner = "renamed", crate = crate::platform::messaging)]
pub struct Do;

/// A query.
#[query(name = "renamed.ask", version = 1, owner = "renamed", reply = u64, crate = ::wires)]
pub struct Ask;

/// A service.
#[service(name = "renamed", version = "1.0.0", subscribe("renamed", ordered), crate = wires)]
pub struct Renamed {
    events: wires::Publisher<Happened>,
    number: u64,
}

#[service(crate = crate::platform::messaging)]
impl Renamed {
    #[event_handler]
    async fn on_happened(&self, event: Happened, _number: u64) -> Result<(), wires::PublishError> {
        self.events.publish(&event).await?;
        Ok(())
    }

    #[wires::command]
    async fn act(&self, _command: Do) -> Result<(), wires::Failure> {
        Ok(())
    }

    #[query]
    async fn ask(&self, _query: Ask) -> Result<u64, wires::Failure> {
        Ok(self.number)
    }

    #[wires::get("/renamed/{id}")]
    async fn find(&self, id: u64, #[header("x-tenant")] tenant: Option<String>) -> Result<u64, String> {
        tenant.map_or(Ok(id), Err)
    }
}

/// A handler.
#[event_handler(crate = wires)]
pub async fn happened(_event: Happened) {}

/// A provider.
#[provider(crate = wires)]
#[must_use]
pub fn number() -> u64 {
    1
}

/// What generated wiring would call.
pub fn wire(app: wires::AppBuilder) -> wires::AppBuilder {
    app.service::<Renamed>()
        .event_handler::<__comms_Renamed_on_happened>()
        .request_handler::<__comms_Renamed_act>()
        .request_handler::<__comms_Renamed_ask>()
        .route::<__comms_Renamed_find>()
        .event_function::<wires::handler!(happened)>("renamed")
        .provider::<wires::handler!(number)>()
}
