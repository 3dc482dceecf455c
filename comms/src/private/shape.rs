//! What a document says of the types in a route's signature. Chosen as in [`answered`](super::answered), so that a type that
//! can't be described still compiles.
//!
//! An expansion writes `__shape!(parameter T)`, `__shape!(body T)`, `__shape!(answer R)` or `__shape!(error E)`. Each is a function that looks nothing up before it is
//! called.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use crate::http::shape::{ANYTHING, body_is_optional, parameter_is_optional};
use crate::http::{Content, FromBody, HttpError, IntoAnswer, Medium, Raw, With};

const JSON: &str = "application/json";

/// Stands for the type `T` without a value of it.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    /// The probe.
    #[allow(clippy::new_without_default, reason = "called by expansions only")]
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// How a type travels, and the data in it.
pub type Carried<D> = (Option<&'static str>, Probe<D>);

/// The same of an answer, and whether it chooses its status itself.
pub type Answering<D> = (Option<&'static str>, bool, Probe<D>);

/// The ways to look at a type, without their names.
pub mod way {
    pub use super::{AnyAnswer as _, MediumAnswer as _, MediumBeside as _, MediumBody as _, OwnAnswer as _, OwnBody as _, PlainBody as _};
    pub use super::{AnyBody as _, AnyParameter as _, AnySchema as _, OptionalBody as _, OptionalParameter as _, SomeSchema as _};
    pub use super::{NoStatuses as _, PlainSuccess as _, ResultSuccess as _, SomeStatuses as _};
}

/// What a result is in case of success.
pub trait ResultSuccess<T> {
    /// That.
    fn success(&self) -> Probe<T> {
        Probe::new()
    }
}

impl<T, E> ResultSuccess<T> for &Probe<Result<T, E>> {}

/// What is no result is itself.
pub trait PlainSuccess<T> {
    /// That.
    fn success(&self) -> Probe<T> {
        Probe::new()
    }
}

impl<T> PlainSuccess<T> for Probe<T> {}

/// A result whose error may know the statuses of its problems.
pub trait SomeStatuses {
    /// Those.
    fn refusals(&self) -> &'static [(u16, &'static str)];
}

impl<T, E: HttpError> SomeStatuses for &Probe<Result<T, E>> {
    fn refusals(&self) -> &'static [(u16, &'static str)] {
        E::statuses()
    }
}

/// What is no result, or one with an error that says nothing of itself.
pub trait NoStatuses {
    /// None.
    fn refusals(&self) -> &'static [(u16, &'static str)] {
        &[]
    }
}

impl<T> NoStatuses for Probe<T> {}

/// An answer that says how it travels.
pub trait MediumAnswer<D> {
    /// That.
    fn answered(&self) -> Answering<D>;
}

impl<T: Medium> MediumAnswer<T::Data> for &&Probe<T> {
    fn answered(&self) -> Answering<T::Data> {
        (T::MEDIA, T::OWN_STATUS, Probe::new())
    }
}

/// The same beside a status and headers of its own.
pub trait MediumBeside<D> {
    /// That.
    fn answered(&self) -> Answering<D>;
}

impl<T: Medium> MediumBeside<T::Data> for &&&Probe<With<T>> {
    fn answered(&self) -> Answering<T::Data> {
        (T::MEDIA, true, Probe::new())
    }
}

/// An answer that makes itself, and does not say how.
pub trait OwnAnswer {
    /// Anything.
    fn answered(&self) -> Answering<()> {
        (Some(ANYTHING), true, Probe::new())
    }
}

impl<T: IntoAnswer> OwnAnswer for &Probe<T> {}

/// Data, as JSON.
pub trait AnyAnswer<T> {
    /// That.
    fn answered(&self) -> Answering<T> {
        (Some(JSON), false, Probe::new())
    }
}

impl<T> AnyAnswer<T> for Probe<T> {}

/// A body that says how it travels.
pub trait MediumBody<D> {
    /// That.
    fn carried(&self) -> Carried<D>;
}

impl<T: Medium> MediumBody<T::Data> for &&Probe<T> {
    fn carried(&self) -> Carried<T::Data> {
        (T::MEDIA, Probe::new())
    }
}

/// A body that takes itself, of whose data nothing is known.
pub trait OwnBody {
    /// Its media type.
    fn carried(&self) -> Carried<Raw>;
}

impl<T: FromBody> OwnBody for &Probe<T> {
    fn carried(&self) -> Carried<Raw> {
        (Some(T::MEDIA_TYPE), Probe::new())
    }
}

/// Data, as JSON.
pub trait PlainBody<T> {
    /// That.
    fn carried(&self) -> Carried<T> {
        (Some(JSON), Probe::new())
    }
}

impl<T> PlainBody<T> for Probe<T> {}

/// The type has a schema.
pub trait SomeSchema {
    /// That.
    fn schema(&self, generator: &mut SchemaGenerator) -> Option<Schema>;
}

impl<T: JsonSchema> SomeSchema for &Probe<T> {
    fn schema(&self, generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }
}

/// The type has none.
pub trait AnySchema {
    /// None.
    fn schema(&self, _: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

impl<T> AnySchema for Probe<T> {}

macro_rules! optional {
    ($method:ident by $ask:ident: $some:ident, $any:ident) => {
        /// The type is asked whether it may be left out.
        pub trait $some {
            /// Whether it may.
            fn $method(&self) -> bool;
        }

        impl<T: DeserializeOwned> $some for &Probe<T> {
            fn $method(&self) -> bool {
                $ask::<T>()
            }
        }

        /// The type can't be asked.
        pub trait $any {
            /// It may not.
            fn $method(&self) -> bool {
                false
            }
        }

        impl<T> $any for Probe<T> {}
    };
}

optional!(parameter_is_optional by parameter_is_optional: OptionalParameter, AnyParameter);
optional!(body_is_optional by body_is_optional: OptionalBody, AnyBody);

/// What is said of a type.
#[must_use]
pub fn content<T>(_: &Probe<T>, media: Option<&'static str>, schema: Option<Schema>, optional: bool) -> Content {
    let mut content = Content::new(std::any::type_name::<T>(), media);
    (content.schema, content.optional) = (schema, optional);
    content
}

/// What is said of an answer.
#[must_use]
pub fn answer<T>(
    data: &Probe<T>,
    media: Option<&'static str>,
    schema: Option<Schema>,
    own_status: bool,
    refusals: &'static [(u16, &'static str)],
) -> Content {
    let mut content = content(data, media, schema, false);
    (content.own_status, content.refusals) = (own_status, refusals);
    content
}

/// The [`Shape`](crate::http::Shape) of a type in a route's signature.
#[doc(hidden)]
#[macro_export]
macro_rules! __shape {
    (parameter $type:ty) => {
        $crate::http::Shape::new(|generator| {
            use $crate::__private::shape::way::*;
            let probe = $crate::__private::shape::Probe::<$type>::new();
            let schema = (&&probe).schema(generator);
            $crate::__private::shape::content(
                &probe,
                $crate::__private::std::option::Option::None,
                schema,
                (&&probe).parameter_is_optional(),
            )
        })
    };
    (error $type:ty) => {
        $crate::http::Shape::new(|generator| {
            use $crate::__private::shape::way::*;
            let probe = $crate::__private::shape::Probe::<$type>::new();
            let schema = (&&probe).schema(generator);
            $crate::__private::shape::content(&probe, $crate::__private::std::option::Option::None, schema, false)
        })
    };
    (body $type:ty) => {
        $crate::http::Shape::new(|generator| {
            use $crate::__private::shape::way::*;
            let probe = $crate::__private::shape::Probe::<$type>::new();
            let (media, data) = (&&&probe).carried();
            $crate::__private::shape::content(&data, media, (&&data).schema(generator), (&&probe).body_is_optional())
        })
    };
    (answer $type:ty) => {
        $crate::http::Shape::new(|generator| {
            use $crate::__private::shape::way::*;
            let returned = $crate::__private::shape::Probe::<$type>::new();
            let (media, own_status, data) = (&&&&(&&returned).success()).answered();
            $crate::__private::shape::answer(&data, media, (&&data).schema(generator), own_status, (&&returned).refusals())
        })
    };
}

#[cfg(test)]
mod tests;
