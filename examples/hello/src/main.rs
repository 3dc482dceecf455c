//! The smallest useful service: it publishes a greeting every second, and handles it.
//!
//! `cargo run -p hello` starts it on the embedded broker; `cargo run -p hello -- wiring` prints what is wired.

use std::time::Duration;

use comms::{Publisher, Tasks, event, event_handler, provider, service};

/// Somebody said hello.
#[event(name = "hello.said", version = 1, topic = "hello")]
struct HelloSaid {
    to: String,
}

#[service(name = "hello", version = "0.1.0")]
struct Hello;

#[service]
impl Hello {
    #[event_handler]
    async fn on_hello(&self, event: HelloSaid) {
        println!("Hello, {}!", event.to);
    }
}

#[derive(Clone)]
struct Clockwork;

#[provider]
async fn clockwork(greetings: Publisher<HelloSaid>, tasks: Tasks) -> Clockwork {
    tasks.spawn(|stopping| async move {
        while stopping.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await.is_some() {
            let _ = greetings.publish(&HelloSaid { to: "world".into() }).await;
        }
    });
    Clockwork
}

comms::main!();
