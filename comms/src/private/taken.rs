//! How a route takes its body. Chosen as in [`answered`](super::answered): a type that implements `FromBody` is asked, any other
//! is read as JSON.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::http::{Arguments, FromBody, Problem};

/// Stands for the type of a body.
#[derive(Debug)]
pub struct Wanted<T>(PhantomData<fn() -> T>);

impl<T> Wanted<T> {
    /// For this type.
    #[must_use]
    pub const fn here() -> Self {
        Self(PhantomData)
    }
}

/// The ways to take a body, without their names.
pub mod way {
    pub use super::{AskedBody as _, JsonBody as _};
}

/// The type is asked.
#[derive(Debug)]
pub struct Asked;

/// The type is asked.
pub trait AskedBody {
    /// The way to take it.
    fn body_way(&self) -> Asked {
        Asked
    }
}

impl<T: FromBody> AskedBody for &Wanted<T> {}

/// The body is JSON.
#[derive(Debug)]
pub struct Json;

/// The body is JSON.
pub trait JsonBody {
    /// The way to take it.
    fn body_way(&self) -> Json {
        Json
    }
}

impl<T> JsonBody for Wanted<T> {}

impl Asked {
    /// Takes it as the type says.
    ///
    /// # Errors
    /// As the type says.
    pub async fn take<T: FromBody>(self, arguments: &mut Arguments) -> Result<T, Problem> {
        T::from_body(arguments).await
    }
}

impl Json {
    /// Takes it as JSON.
    ///
    /// # Errors
    /// When it is none, or not of the type.
    pub async fn take<T: DeserializeOwned>(self, arguments: &mut Arguments) -> Result<T, Problem> {
        arguments.json().await
    }
}

/// Takes the body out of the arguments, as the type.
#[doc(hidden)]
#[macro_export]
macro_rules! __body {
    ($arguments:expr, $wanted:ty) => {{
        use $crate::__private::taken::way::*;
        (&&$crate::__private::taken::Wanted::<$wanted>::here()).body_way().take::<$wanted>(&mut $arguments).await
    }};
}
