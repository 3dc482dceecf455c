//! Names that need `r#`.

use comms::{event, event_handler, get, service};

/// An event.
#[event(name = "raw.type", version = 1, topic = "raw", key = r#type)]
pub struct Type {
    /// A keyword.
    pub r#type: u64,
}

/// A service.
#[service(name = "raw", version = "1.0.0")]
pub struct Raw {
    r#match: u8,
}

#[service]
impl Raw {
    #[event_handler]
    async fn r#move(&self, _event: Type) {
        let _ = self.r#match;
    }

    #[get("/{type}")]
    async fn r#while(&self, r#type: u64, r#in: Option<u64>) -> u64 {
        r#type + r#in.unwrap_or_default()
    }
}

/// A handler.
#[event_handler]
pub async fn r#loop(_event: Type) {}

/// What generated wiring would call.
pub fn wire(app: comms::AppBuilder) -> comms::AppBuilder {
    app.service::<Raw>().event_handler::<__comms_Raw_move>().route::<__comms_Raw_while>().event_function::<comms::handler!(r#loop)>("raw")
}
