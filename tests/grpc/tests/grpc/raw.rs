//! A caller that is no gRPC client: frames of HTTP/2 as they are told, and no clock.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use comms::grpc::Code;
use comms::grpc::prost::Message;
use comms::grpc::prost::bytes::Bytes;
use comms::http::{HeaderMap, Request};
use comms_grpc_tests::serving::{PATIENCE, until};
use comms_grpc_tests::whole::Whole;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A connection. It ends when it is dropped.
pub(crate) struct Raw {
    requests: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (requests, connection) = h2::client::handshake(stream).await.unwrap();
        Self { requests, connection: tokio::spawn(connection) }
    }

    /// Begins a call: sends its head.
    pub(crate) async fn call(&self, method: &str, headers: &[(&str, &str)]) -> Call {
        let mut request = Request::post(format!("http://x/shop.inventory.v1.Inventory/{method}"));
        request = request.header("content-type", "application/grpc").header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut ready = timeout(PATIENCE, self.requests.clone().ready()).await.expect("the connection takes calls").unwrap();
        let (answer, body) = ready.send_request(request.body(()).unwrap(), false).unwrap();
        Call { answer, body }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// A call that has begun.
pub(crate) struct Call {
    answer: ResponseFuture,
    body: SendStream<Bytes>,
}

impl Call {
    pub(crate) fn send(&mut self, bytes: &[u8], end: bool) {
        self.body.send_data(Bytes::copy_from_slice(bytes), end).unwrap();
    }

    /// The same, where the server may have ended the call.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.body.send_data(Bytes::copy_from_slice(bytes), false).is_ok()
    }

    /// Breaks it off.
    pub(crate) fn reset(mut self) {
        self.body.send_reset(Reason::CANCEL);
    }

    /// Waits for the whole answer.
    pub(crate) async fn answer(self) -> Answered {
        let head = timeout(PATIENCE, self.answer).await.expect("an answer comes").unwrap();
        let mut answered = Answered::of(head.headers());
        let (mut body, mut bytes) = (head.into_body(), Vec::new());
        while let Some(data) = timeout(PATIENCE, body.data()).await.expect("the answer goes on") {
            let data = data.unwrap();
            body.flow_control().release_capacity(data.len()).unwrap();
            bytes.extend_from_slice(&data);
        }
        answered.messages = messages(&bytes);
        match timeout(PATIENCE, body.trailers()).await.expect("the answer ends").unwrap() {
            Some(trailers) => Answered { messages: answered.messages, ..Answered::of(&trailers) },
            None => answered,
        }
    }
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) code: Option<Code>,
    pub(crate) message: String,
    pub(crate) messages: usize,
}

impl Answered {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap());
        let code = text("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
        Self { code, message: plain(text("grpc-message").unwrap_or_default()), messages: 0 }
    }
}

/// Without percent signs.
fn plain(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        plain.push(u8::from_str_radix(&part[..2], 16).unwrap());
        plain.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(plain).unwrap()
}

fn messages(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let [_, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        (bytes, count) = (&rest[length..], count + 1);
    }
    count
}

/// A message as it stands in a body.
pub(crate) fn framed(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &bytes].concat()
}

/// How many tasks the process runs.
pub(crate) fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Waits until no connection and no handler is left, and no more tasks than there were.
pub(crate) async fn nothing_left(whole: &Whole, tasks_before: usize) {
    until("handlers at work", &whole.seen.at_work, |count| count == 0).await;
    let deadline = Instant::now() + PATIENCE;
    while whole.app.http_connections() > 0 || tasks() > tasks_before {
        let left = (whole.app.http_connections(), tasks());
        assert!(Instant::now() < deadline, "connections and tasks that are left: {left:?}, and there were {tasks_before} tasks before");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
