//! The way of an order: HTTP, gRPC, event, HTTP, event, in one trace. A program of its own with one test: the log is set up once.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use comms::telemetry::JsonLines;
use comms::testing::TestApp;
use serde_json::Value;
use shop_billing::PaymentProviderClient;
use shop_contracts::{OrderShipped, PlaceOrder};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;

type Wiring = (shop_orders::Wiring, shop_inventory::Wiring, shop_billing::Wiring, shop_notifications::Wiring);

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no writer panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// The traces of each thing that was logged of.
    fn traces(&self) -> BTreeMap<String, Vec<Value>> {
        let written = self.0.lock().expect("no writer panics");
        let lines = written.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        let mut traces: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in lines {
            let what = ["http.route", "rpc.method", "comms.handler"].iter().find_map(|key| line[*key].as_str());
            traces.entry(what.unwrap_or_default().to_owned()).or_default().push(line["trace_id"].clone());
        }
        traces
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_goes_over_http_grpc_and_events_in_the_trace_of_its_request() {
    let lines = Lines::default();
    let writer = lines.clone();
    let log =
        tracing_subscriber::registry().with(EnvFilter::new("info,shop_notifications=debug")).with(JsonLines::new(move || writer.clone()));
    tracing::subscriber::set_global_default(log).expect("nobody else sets the log up");
    let provider = TestApp::of::<shop_payments::Wiring>().start().await.expect("the provider starts");
    let app = TestApp::of::<Wiring>().client::<PaymentProviderClient>(provider.app().channel()).start().await.expect("the shop starts");

    let order = PlaceOrder { order_id: "o-1".into(), customer: "ada".into(), article: "lamp".into(), quantity: 1 };
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let placed = app.http().post("/orders").header("traceparent", &format!("00-{trace}-b7ad6b7169203331-01")).json(&order).send().await;
    assert_eq!(placed.status, 201);
    app.assert_published(&OrderShipped { order_id: "o-1".into(), customer: "ada".into() });

    let traces = lines.traces();
    // The request, the call of the inventory, that of the provider after an event, and the mails after two more.
    for what in ["/orders", "Reserve", "/v1/charges", "on_invoice_issued", "on_order_shipped"] {
        let found = traces.get(what).unwrap_or_else(|| panic!("nothing was logged of {what}: {traces:?}"));
        assert!(found.iter().all(|id| id == trace), "{what} is in another trace: {found:?}");
    }
}
