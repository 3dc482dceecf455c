use schemars::SchemaGenerator;
use serde::{Deserialize, Serialize};

use crate::BoxError;
use crate::http::{Answered, Bytes, Content, EventStream, Form, HttpError, IntoAnswer, Problem, Raw, Shape, With};

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

#[derive(Debug, thiserror::Error)]
#[error("gone")]
struct Gone;

impl HttpError for Gone {
    fn problem(&self) -> Problem {
        Problem::new(410)
    }

    fn statuses() -> &'static [(u16, &'static str)] {
        &[(410, "It was here.")]
    }
}

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
fn an_error_that_knows_its_statuses_tells_them() {
    let refusals = |shape| content(shape).refusals;
    assert_eq!(refusals(crate::__shape!(answer Result<u32, Gone>)), [(410, "It was here.")]);
    assert_eq!(refusals(crate::__shape!(answer Result<(), Gone>)).len(), 1);
    assert!(
        refusals(crate::__shape!(answer Result<u32, Problem>)).is_empty()
            && refusals(crate::__shape!(answer Result<u32, Foreign>)).is_empty()
    );
    assert!(refusals(crate::__shape!(answer u32)).is_empty() && refusals(crate::__shape!(answer Gone)).is_empty());
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
