use comms::http::{Arguments, FromBody, Problem};
use comms::{post, service};

struct Csv(String);

impl FromBody for Csv {
    async fn from_body(arguments: &mut Arguments) -> Result<Self, Problem> {
        String::from_body(arguments).await.map(Csv)
    }
}

#[service(name = "tables", version = "1.0.0")]
trait Tables {
    #[post("/tables")]
    async fn add(&self, table: Csv) -> Result<(), Problem>;
}

fn main() {}
