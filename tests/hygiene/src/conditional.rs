//! What stands under a condition that does not hold vanishes with everything that is generated for it.

use comms::{Failure, event, event_handler, provider, service};
#[cfg(feature = "absent")]
use comms::{command, nothing_of_this_name, query};

/// Of a type that does not exist.
#[cfg(feature = "absent")]
#[event(name = "absent.above", version = 1, topic = "absent")]
pub struct Above {
    missing: NoSuchType,
}

/// The same with the condition below the attribute, where the macro sees it.
#[event(name = "absent.below", version = 1, topic = "absent", key = missing)]
#[cfg(feature = "absent")]
pub struct Below {
    missing: NoSuchType,
}

/// With a conditional field.
#[event(name = "present.happened", version = 1, topic = "present", key = id)]
#[cfg(not(feature = "absent"))]
pub struct Happened {
    /// Its key.
    pub id: u64,
    #[cfg(feature = "absent")]
    missing: NoSuchType,
}

/// A service with conditional fields.
#[service(name = "present", version = "1.0.0")]
pub struct Present {
    #[cfg(feature = "absent")]
    missing: NoSuchType,
    #[cfg(not(feature = "absent"))]
    present: u8,
    always: u16,
}

#[service]
#[cfg(not(feature = "absent"))]
impl Present {
    #[event_handler]
    async fn on_happened(&self, _event: Happened) -> Result<(), Failure> {
        let _ = (self.present, self.always);
        Ok(())
    }

    #[event_handler]
    #[cfg(feature = "absent")]
    async fn on_missing(&self, event: NoSuchType) {}

    #[cfg(feature = "absent")]
    #[command]
    async fn missing(&self, command: NoSuchType) {}

    #[cfg(all(feature = "absent", unix))]
    #[query]
    async fn missing_too(&self, query: NoSuchType) {}
}

/// Of arguments that do not exist.
#[event_handler]
#[cfg(feature = "absent")]
pub async fn missing(event: Happened, missing: NoSuchType) {}

/// Of arguments that do not exist.
#[provider]
#[cfg(feature = "absent")]
pub fn provided(missing: NoSuchType) -> NoSuchType {
    missing
}

/// One of two.
#[provider]
#[cfg(not(feature = "absent"))]
#[must_use]
pub fn provided() -> u8 {
    1
}

/// What generated wiring would call.
pub fn wire(app: comms::AppBuilder) -> comms::AppBuilder {
    app.service::<Present>().event_handler::<__comms_Present_on_happened>().provider::<__comms_provided>()
}
