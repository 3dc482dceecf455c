//! Items that come out of the user's own macros, whose tokens have a hygiene of their own.

use comms::{Publisher, event, event_handler, provider, service};

macro_rules! define {
    ($event:ident, $service:ident, $field:ident: $type:ty, $handler:ident, $error:ty) => {
        /// An event.
        #[event(name = "macros.happened", version = 1, topic = "macros", key = $field)]
        #[derive(Clone)]
        pub struct $event {
            /// Its key.
            pub $field: $type,
        }

        /// A service.
        #[service(name = "macros", version = "1.0.0")]
        pub struct $service {
            publisher: Publisher<$event>,
            $field: $type,
        }

        #[service]
        impl $service {
            #[event_handler(timeout = "1s")]
            async fn $handler(&self, event: $event, value: $type) -> Result<(), $error> {
                let _ = (&self.publisher, self.$field, event, value);
                Ok(())
            }

            #[event_handler(group = "fixed")]
            async fn fixed(&self, _event: $event) {}
        }

        /// A free handler.
        ///
        /// # Errors
        /// Never.
        #[event_handler]
        pub async fn $handler(_event: $event, _value: $type) -> Result<(), $error> {
            Ok(())
        }

        /// A provider.
        #[provider]
        #[must_use]
        pub fn $field() -> $type {
            <$type>::default()
        }
    };
}

define!(Happened, Macros, value: u64, on_happened, std::io::Error);

/// What generated wiring would call.
pub fn wire(app: comms::AppBuilder) -> comms::AppBuilder {
    app.service::<Macros>()
        .event_handler::<__comms_Macros_on_happened>()
        .event_handler::<__comms_Macros_fixed>()
        .event_function::<__comms_on_happened>("macros")
        .provider::<__comms_value>()
}
