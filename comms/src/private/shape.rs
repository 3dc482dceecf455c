//! What a document says of the types in a route's signature. Chosen as in [`answered`](super::answered), so that a type that
//! can't be described still compiles.
//!
//! An expansion writes `__shape!(parameter T)`, `__shape!(body T)`, `__shape!(answer R)` or `__shape!(error E)`. Each is a function that looks nothing up before it is
//! called.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use crate::http::shape::{ANYTHING, body_is_optional, parameter_is_optional};
use crate::http::{Content, FromBody, IntoAnswer, Medium, Raw, With};

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
    pub use super::{PlainSuccess as _, ResultSuccess as _};
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
pub fn answer<T>(data: &Probe<T>, media: Option<&'static str>, schema: Option<Schema>, own_status: bool) -> Content {
    let mut content = content(data, media, schema, false);
    content.own_status = own_status;
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
            let (media, own_status, data) = (&&&&(&&$crate::__private::shape::Probe::<$type>::new()).success()).answered();
            $crate::__private::shape::answer(&data, media, (&&data).schema(generator), own_status)
        })
    };
}

#[cfg(test)]
mod tests {
    use schemars::SchemaGenerator;
    use serde::{Deserialize, Serialize};

    use crate::BoxError;
    use crate::http::{Answered, Bytes, Content, EventStream, Form, IntoAnswer, Raw, Shape, With};

    #[derive(Deserialize, Serialize)]
    struct Opaque(Option<String>);

    struct Own;

    impl IntoAnswer for Own {
        fn into_answer(self, status: u16) -> Answered {
            ().into_answer(status)
        }
    }

    /// Nothing at all is known of it.
    struct Foreign;

    fn content(shape: Shape) -> Content {
        shape.content(&mut SchemaGenerator::default())
    }

    fn parameter(shape: Shape) -> (bool, bool) {
        let content = content(shape);
        (content.schema.is_some(), content.optional)
    }

    fn media(shape: Shape) -> (Option<&'static str>, bool) {
        let content = content(shape);
        (content.media, content.schema.is_some())
    }

    #[test]
    fn a_parameter_is_required_where_the_server_refuses_a_request_without_it() {
        assert_eq!(parameter(crate::__shape!(parameter u32)), (true, false));
        assert_eq!(parameter(crate::__shape!(parameter Option<u32>)), (true, true));
        assert_eq!(parameter(crate::__shape!(parameter Vec<u32>)), (true, true));
        assert_eq!(parameter(crate::__shape!(parameter Opaque)), (false, true));
        assert_eq!(parameter(crate::__shape!(parameter Foreign)), (false, false));
    }

    #[test]
    fn a_body_is_json_and_required_unless_null_will_do() {
        let body = |shape| (media(shape), content(shape).optional);
        assert_eq!(body(crate::__shape!(body Vec<u32>)), ((Some("application/json"), true), false));
        assert_eq!(body(crate::__shape!(body Option<u32>)), ((Some("application/json"), true), true));
        assert_eq!(body(crate::__shape!(body Foreign)), ((Some("application/json"), false), false));
        assert_eq!(body(crate::__shape!(body String)), ((Some("text/plain"), false), false));
        assert_eq!(body(crate::__shape!(body Form<Vec<u32>>)), ((Some("application/x-www-form-urlencoded"), true), false));
    }

    #[test]
    fn an_answer_is_described_by_what_it_is() {
        assert_eq!(media(crate::__shape!(answer())), (None, true));
        assert_eq!(media(crate::__shape!(answer Result<(), BoxError>)), (None, true));
        assert_eq!(media(crate::__shape!(answer Result<Vec<u32>, Foreign>)), (Some("application/json"), true));
        assert_eq!(media(crate::__shape!(answer & str)), (Some("application/json"), true));
        assert_eq!(media(crate::__shape!(answer Opaque)), (Some("application/json"), false));
        assert_eq!(media(crate::__shape!(answer With<Vec<u32>>)), (Some("application/json"), true));
        assert_eq!(media(crate::__shape!(answer With<EventStream>)), (Some("text/event-stream"), true));
        assert_eq!(media(crate::__shape!(answer With<()>)), (None, true));
        assert_eq!(media(crate::__shape!(answer Result<Bytes, Foreign>)), (Some("application/octet-stream"), false));
        assert_eq!(media(crate::__shape!(answer Raw)).0, Some("*/*"));
        assert_eq!(media(crate::__shape!(answer Result<Own, Foreign>)).0, Some("*/*"));
        assert_eq!(media(crate::__shape!(answer Foreign)), (Some("application/json"), false));
    }

    #[test]
    fn an_error_is_data_without_a_medium_of_its_own() {
        assert_eq!(media(crate::__shape!(error Vec<u32>)), (None, true));
        assert_eq!(media(crate::__shape!(error Foreign)), (None, false));
    }

    #[test]
    fn an_answer_that_chooses_its_status_says_so() {
        let chooses = |shape| content(shape).own_status;
        assert!(chooses(crate::__shape!(answer With<u32>)) && chooses(crate::__shape!(answer Raw)) && chooses(crate::__shape!(answer Own)));
        assert!(!chooses(crate::__shape!(answer u32)) && !chooses(crate::__shape!(answer Result<(), BoxError>)));
    }

    /// As the descriptors of a contract are: generic, in a constant.
    #[test]
    fn shapes_are_constants_also_where_something_is_generic() {
        trait Described {
            const SHAPE: Shape;
        }
        struct Descriptor<S>(std::marker::PhantomData<S>);
        impl<S> Described for Descriptor<S> {
            const SHAPE: Shape = crate::__shape!(answer Result<Option<u32>, BoxError>);
        }
        assert!(content(Descriptor::<Foreign>::SHAPE).schema.is_some());
    }
}
