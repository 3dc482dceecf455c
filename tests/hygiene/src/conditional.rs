//! What stands under a condition that does not hold vanishes with everything that is generated for it.

use comms::{Failure, event, event_handler, get, provider, service};
#[cfg(comms_absent)]
use comms::{command, nothing_of_this_name, put, query};

/// Of a type that does not exist.
#[cfg(comms_absent)]
#[event(name = "absent.above", version = 1, topic = "absent")]
pub struct Above {
    missing: NoSuchType,
}

/// The same with the condition below the attribute, where the macro sees it.
#[event(name = "absent.below", version = 1, topic = "absent", key = missing)]
#[cfg(comms_absent)]
pub struct Below {
    missing: NoSuchType,
}

/// With a conditional field.
#[event(name = "present.happened", version = 1, topic = "present", key = id)]
#[cfg(not(comms_absent))]
pub struct Happened {
    /// Its key.
    pub id: u64,
    #[cfg(comms_absent)]
    missing: NoSuchType,
}

/// A service with conditional fields.
#[service(name = "present", version = "1.0.0")]
pub struct Present {
    #[cfg(comms_absent)]
    missing: NoSuchType,
    #[cfg(not(comms_absent))]
    present: u8,
    always: u16,
}

#[service]
#[cfg(not(comms_absent))]
impl Present {
    #[event_handler]
    async fn on_happened(&self, _event: Happened) -> Result<(), Failure> {
        let _ = (self.present, self.always);
        Ok(())
    }

    #[event_handler]
    #[cfg(comms_absent)]
    async fn on_missing(&self, event: NoSuchType) {}

    #[cfg(comms_absent)]
    #[command]
    async fn missing(&self, command: NoSuchType) {}

    #[cfg(all(comms_absent, unix))]
    #[query]
    async fn missing_too(&self, query: NoSuchType) {}

    #[get("/alternative")]
    #[cfg(comms_absent)]
    async fn alternative(&self) -> NoSuchType {}

    #[cfg(not(comms_absent))]
    #[get("/alternative")]
    async fn alternative(&self) -> u8 {
        self.present
    }

    #[put("/missing")]
    #[cfg(comms_absent)]
    async fn missing_route(&self, #[body] missing: NoSuchType) {}
}

/// Of arguments that do not exist.
#[event_handler]
#[cfg(comms_absent)]
pub async fn missing(event: Happened, missing: NoSuchType) {}

/// Of arguments that do not exist.
#[provider]
#[cfg(comms_absent)]
pub fn provided(missing: NoSuchType) -> NoSuchType {
    missing
}

/// One of two.
#[provider]
#[cfg(not(comms_absent))]
#[must_use]
pub fn provided() -> u8 {
    1
}

/// What generated wiring would call.
pub fn wire(app: comms::AppBuilder) -> comms::AppBuilder {
    app.service::<Present>()
        .event_handler::<__comms_Present_on_happened>()
        .route::<__comms_Present_alternative>()
        .provider::<__comms_provided>()
}
