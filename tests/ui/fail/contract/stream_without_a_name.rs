use comms::http::{Event, Events, Problem, Stream};
use comms::{get, service};

#[service(name = "news", version = "1.0.0")]
trait News {
    #[get("/news")]
    async fn watch(&self) -> Result<Events<impl Stream<Item = Event> + Send + 'static>, Problem>;
}

fn main() {}
