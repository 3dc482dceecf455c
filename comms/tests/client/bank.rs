//! A service with its routes, and a client of it, as macros would write them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use comms::client::{CallError, Channel, Client, ClientDecl, ClientKind, HttpCaller, Settings};
use comms::http::{Answered, Arguments, Location, Problem, Route, RouteDecl, Verb};
use comms::inject::{InjectError, Scope};
use comms::{AppBuilder, Class, Classify, Context, Service};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Charge {
    pub id: u64,
    pub cents: u64,
    pub tenant: Option<String>,
    pub tags: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum ChargeError {
    #[error("the card was declined: {0} is too much")]
    Declined(u64),
    #[error("the vault is closed")]
    Closed,
}

impl Classify for ChargeError {
    fn class(&self) -> Class {
        match self {
            Self::Declined(_) => Class::Permanent,
            Self::Closed => Class::Retryable,
        }
    }
}

/// What arrived of the context of a call.
#[derive(Debug, Serialize, Deserialize)]
pub struct Arrived {
    pub correlation: Option<String>,
    pub trace: Option<String>,
    pub left_ms: Option<i64>,
}

/// What tests watch the service by.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// How many requests are held.
    pub held: Arc<AtomicUsize>,
    /// How many requests there have been.
    pub asked: Arc<AtomicUsize>,
}

pub struct Bank {
    watch: Watch,
}

impl Service for Bank {
    const DECL: comms::handler::ServiceDecl = comms::handler::ServiceDecl::new("bank", "1.0.0", Location::new(file!(), line!()));
    type Dependencies = (Watch,);

    fn build(scope: &Scope) -> Result<Self, InjectError> {
        Ok(Self { watch: scope.get()? })
    }
}

impl Bank {
    fn charge(&self, cents: u64, tenant: Option<String>) -> Result<Charge, ChargeError> {
        match cents {
            0 => Err(ChargeError::Closed),
            1_000_000.. => Err(ChargeError::Declined(cents)),
            cents => Ok(Charge { id: 7, cents, tenant, tags: Vec::new() }),
        }
    }

    async fn hold(&self) {
        struct Held(Arc<AtomicUsize>);
        impl Drop for Held {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.watch.held.fetch_add(1, Ordering::SeqCst);
        let _held = Held(Arc::clone(&self.watch.held));
        std::future::pending::<()>().await;
    }
}

macro_rules! route {
    ($name:ident, $decl:ident = $route:expr, |$bank:ident, $arguments:ident| $body:expr) => {
        pub const $decl: RouteDecl = $route;
        pub struct $name;
        impl Route for $name {
            type Service = Bank;
            const DECL: RouteDecl = $decl;
            #[allow(unused_mut, reason = "not every route has arguments")]
            async fn call($bank: Arc<Bank>, mut $arguments: Arguments) -> Answered {
                $bank.watch.asked.fetch_add(1, Ordering::SeqCst);
                $body
            }
        }
    };
}

const HERE: Location = Location::new(file!(), line!());

route!(PostCharge, CHARGE = RouteDecl::new(Verb::Post, "/charges", "charge", HERE).status(201), |bank, arguments| {
    let (tenant, cents) = (arguments.header("x-tenant")?, arguments.json().await?);
    comms::__contract_answered!(201, bank.charge(cents, tenant))
});
route!(GetCharge, FIND = RouteDecl::new(Verb::Get, "/charges/{id}", "find", HERE), |bank, arguments| {
    drop(bank);
    let (id, cents, tags) = (arguments.path("id")?, arguments.query::<Option<u64>>("cents")?, arguments.query("tag")?);
    let tenant = arguments.header("x-tenant")?;
    comms::__contract_answered!(200, Charge { id, cents: cents.unwrap_or_default(), tenant, tags })
});
route!(GetFile, FILE = RouteDecl::new(Verb::Get, "/files/{*path}", "file", HERE), |bank, arguments| {
    drop(bank);
    comms::__contract_answered!(200, arguments.path::<String>("path")?)
});
route!(DeleteCharge, FORGET = RouteDecl::new(Verb::Delete, "/charges/{id}", "forget", HERE), |bank, arguments| {
    drop(bank);
    let _: u64 = arguments.path("id")?;
    comms::__contract_answered!(200, ())
});
route!(GetContext, CONTEXT = RouteDecl::new(Verb::Get, "/context", "context", HERE), |bank, arguments| {
    drop(bank);
    let _ = arguments.parts();
    let context = Context::current();
    let left = context.deadline().map(|deadline| deadline.duration_since(jiff::Timestamp::now()));
    comms::__contract_answered!(
        200,
        Arrived {
            correlation: context.correlation().map(ToString::to_string),
            trace: context.trace().map(|trace| format!("{:032x}", trace.trace_id())),
            left_ms: left.map(|left| left.as_millis().try_into().unwrap()),
        }
    )
});
route!(GetHold, HOLD = RouteDecl::new(Verb::Get, "/hold", "hold", HERE), |bank, arguments| {
    let _ = arguments.parts();
    bank.hold().await;
    comms::__contract_answered!(200, ())
});
route!(GetPanic, PANIC = RouteDecl::new(Verb::Get, "/panic", "panic", HERE), |bank, arguments| {
    drop((bank, arguments.parts().uri.clone()));
    if true {
        panic!("on purpose");
    }
    comms::__contract_answered!(200, ())
});

/// The bank with its routes, and without a port unless it is configured.
pub fn app(watch: &Watch) -> AppBuilder {
    let no_port = comms::config::Config::from_toml("[http]\nenabled = false\n").unwrap();
    let app = AppBuilder::new("bank").config(no_port).provide(watch.clone()).service::<Bank>();
    let app = app.route::<PostCharge>().route::<GetCharge>().route::<GetFile>().route::<DeleteCharge>();
    app.route::<GetContext>().route::<GetHold>().route::<GetPanic>()
}

/// A client of the bank.
#[derive(Clone, Debug)]
pub struct BankClient(pub HttpCaller);

impl Client for BankClient {
    const DECL: ClientDecl = ClientDecl::new("bank", ClientKind::Http, "bank", HERE);

    fn over(channel: Channel, settings: Settings) -> Self {
        Self(HttpCaller::new(channel, settings))
    }
}

impl BankClient {
    pub async fn charge(&self, cents: u64, tenant: Option<&str>) -> Result<Charge, CallError<ChargeError>> {
        let mut call = self.0.begin(&CHARGE);
        call.header("x-tenant", &tenant).json(&cents);
        call.send().await
    }

    pub async fn find(&self, id: &str, cents: Option<u64>, tags: &[&str]) -> Result<Charge, CallError<Problem>> {
        let mut call = self.0.begin(&FIND);
        call.path("id", id).query("cents", &cents).query("tag", tags);
        call.send().await
    }

    pub async fn file(&self, path: &str) -> Result<String, CallError<Problem>> {
        let mut call = self.0.begin(&FILE);
        call.path("path", path);
        call.send().await
    }

    pub async fn forget(&self, id: u64) -> Result<(), CallError<Problem>> {
        let mut call = self.0.begin(&FORGET);
        call.path("id", &id);
        call.send().await
    }

    pub async fn context(&self) -> Result<Arrived, CallError<Problem>> {
        self.0.begin(&CONTEXT).send().await
    }

    pub async fn hold(&self) -> Result<(), CallError<Problem>> {
        self.0.begin(&HOLD).send().await
    }
}
