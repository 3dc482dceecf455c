//! What can travel between a contract and its client: bodies one way, answers the other. Chosen as in [`answered`](super::answered), for
//! the types by which the service chooses: what is asked there is asked here, and anything else is JSON.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::taken::Wanted;
use crate::client::from_answer::Data;
use crate::client::{Call, CallError, FromAnswer, IntoBody};
use crate::http::{FromBody, IntoAnswer, With};

/// The ways to travel, without their names.
pub mod way {
    pub use super::{AskedAnswer as _, AskedWith as _, DataAnswer as _, DataWith as _, OwnAnswer as _, OwnWith as _};
    pub use super::{AskedBody as _, DataBody as _, OwnBody as _};
}

/// What a method of a contract may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't travel in the answer of a contract",
    label = "the service writes this as JSON, and the client reads it again",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it; what only a service can answer belongs on a route of its own impl"
)]
pub trait Answer: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Answer for T {}

/// What a method of a contract may fail with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the error of a contract",
    label = "the client gets the same error as the service returns, so it travels as JSON",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, or write `comms::http::Problem`"
)]
pub trait Refusal: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<E: Serialize + DeserializeOwned> Refusal for E {}

/// Spanned at the error that a method of a contract returns.
pub const fn assert_refusal<E: Refusal>() {}

/// Stands for the type of an answer.
#[derive(Debug)]
pub struct Awaited<T>(PhantomData<fn() -> T>);

impl<T> Awaited<T> {
    /// For this type.
    #[must_use]
    pub const fn here() -> Self {
        Self(PhantomData)
    }
}

macro_rules! ways {
    ($($(#[$doc:meta])* $name:ident of $trait:ident for [$($bound:tt)*] $self:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name<T>(PhantomData<fn() -> T>);

            $(#[$doc])*
            pub trait $trait<T> {
                /// The way to read it.
                fn answer_way(&self) -> $name<T> {
                    $name(PhantomData)
                }
            }

            impl<T: $($bound)*> $trait<T> for $self {}
        )*
    };
}

ways! {
    /// A status and headers beside what reads itself.
    Beside of AskedWith for [FromAnswer] &&&&&Awaited<With<T>>;
    /// A status and headers beside what nobody can read again.
    OwnBeside of OwnWith for [IntoAnswer] &&&&Awaited<With<T>>;
    /// A status and headers beside data.
    DataBeside of DataWith for [Sized] &&&Awaited<With<T>>;
    /// It reads itself.
    Asked of AskedAnswer for [FromAnswer] &&Awaited<T>;
    /// It writes itself at the service, and nobody can read it again.
    Own of OwnAnswer for [IntoAnswer] &Awaited<T>;
    /// It is data.
    Plain of DataAnswer for [Sized] Awaited<T>;
}

impl<T> Beside<T> {
    /// Sends the call of a contract's client.
    ///
    /// # Errors
    /// As [`Call::send`].
    pub async fn sent<E: Refusal>(self, call: Call<'_>) -> Result<With<T>, CallError<E>>
    where
        T: FromAnswer,
    {
        call.send_for().await
    }
}

impl<T> OwnBeside<T> {
    /// Never compiles: says why.
    ///
    /// # Errors
    /// Never.
    pub async fn sent<E: Refusal>(self, call: Call<'_>) -> Result<With<T>, CallError<E>>
    where
        T: FromAnswer,
    {
        call.send_for().await
    }
}

impl<T> DataBeside<T> {
    /// Sends the call of a contract's client.
    ///
    /// # Errors
    /// As [`Call::send`].
    pub async fn sent<E: Refusal>(self, call: Call<'_>) -> Result<With<T>, CallError<E>>
    where
        T: Answer,
    {
        call.send_for::<With<Data<T>>, E>().await.map(|with| with.map(|Data(value)| value))
    }
}

impl<T> Asked<T> {
    /// Sends the call of a contract's client.
    ///
    /// # Errors
    /// As [`Call::send`].
    pub async fn sent<E: Refusal>(self, call: Call<'_>) -> Result<T, CallError<E>>
    where
        T: FromAnswer,
    {
        call.send_for().await
    }
}

impl<T> Own<T> {
    /// Never compiles: says why.
    ///
    /// # Errors
    /// Never.
    pub async fn sent<E: Refusal>(self, call: Call<'_>) -> Result<T, CallError<E>>
    where
        T: FromAnswer,
    {
        call.send_for().await
    }
}

impl<T> Plain<T> {
    /// Sends the call of a contract's client.
    ///
    /// # Errors
    /// As [`Call::send`].
    pub async fn sent<E: Refusal>(self, call: Call<'_>) -> Result<T, CallError<E>>
    where
        T: Answer,
    {
        call.send().await
    }
}

/// The body puts itself into the call.
#[derive(Debug)]
pub struct AskedPut;

/// The body puts itself into the call.
pub trait AskedBody {
    /// The way to send it.
    fn put_way(&self) -> AskedPut {
        AskedPut
    }
}

impl<T: IntoBody> AskedBody for &&Wanted<T> {}

/// The service takes the body its own way, and the client knows of none.
pub trait OwnBody {
    /// The way that does not compile.
    fn put_way(&self) -> AskedPut {
        AskedPut
    }
}

impl<T: FromBody> OwnBody for &Wanted<T> {}

/// The body is JSON.
#[derive(Debug)]
pub struct DataPut;

/// The body is JSON.
pub trait DataBody {
    /// The way to send it.
    fn put_way(&self) -> DataPut {
        DataPut
    }
}

impl<T> DataBody for Wanted<T> {}

impl AskedPut {
    /// As the type says.
    pub fn put<T: IntoBody>(self, call: &mut Call<'_>, body: T) {
        call.put(body);
    }
}

impl DataPut {
    /// As JSON.
    #[allow(clippy::needless_pass_by_value, reason = "as the other way does")]
    pub fn put<T: Serialize>(self, call: &mut Call<'_>, body: T) {
        call.json(&body);
    }
}

/// Puts the body into the call.
#[doc(hidden)]
#[macro_export]
macro_rules! __put {
    ($call:expr, $body:expr, $type:ty) => {{
        use $crate::__private::travels::way::*;
        (&&&$crate::__private::taken::Wanted::<$type>::here()).put_way().put::<$type>(&mut $call, $body)
    }};
}

/// Sends the call, whose answer is of the type.
#[doc(hidden)]
#[macro_export]
macro_rules! __sent {
    ($call:expr, $type:ty, $error:ty) => {{
        use $crate::__private::travels::way::*;
        (&&&&&&$crate::__private::travels::Awaited::<$type>::here()).answer_way().sent::<$error>($call).await
    }};
}
