//! Requests to the routes of a test's application, in the process: no port is opened.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::TestApp;
use crate::http::{Body, HeaderMap, Method, Problem, Request, StatusCode};

/// Calls the routes of an application. What a route publishes has settled when its answer is there.
///
/// ```no_run
/// # async fn test(app: comms::testing::TestApp, order: impl serde::Serialize) {
/// let answer = app.http().post("/orders").json(&order).send().await;
/// assert_eq!(answer.status, 201);
/// let found: serde_json::Value = app.http().get("/orders/7").header("x-tenant", "a").send().await.json();
/// # drop(found); }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TestHttp<'a>(&'a TestApp);

/// A request that is being put together.
#[derive(Debug)]
#[must_use = "nothing is sent until `send`"]
pub struct HttpCall<'a> {
    app: &'a TestApp,
    request: Request<Body>,
}

/// What a route answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl TestApp {
    /// Calls the routes, in the process.
    #[must_use]
    pub fn http(&self) -> TestHttp<'_> {
        TestHttp(self)
    }
}

impl<'a> TestHttp<'a> {
    /// `GET` of the path with its query.
    pub fn get(self, path: &str) -> HttpCall<'a> {
        self.request(Method::GET, path)
    }

    /// `POST` to the path.
    pub fn post(self, path: &str) -> HttpCall<'a> {
        self.request(Method::POST, path)
    }

    /// `PUT` to the path.
    pub fn put(self, path: &str) -> HttpCall<'a> {
        self.request(Method::PUT, path)
    }

    /// `PATCH` of the path.
    pub fn patch(self, path: &str) -> HttpCall<'a> {
        self.request(Method::PATCH, path)
    }

    /// `DELETE` of the path.
    pub fn delete(self, path: &str) -> HttpCall<'a> {
        self.request(Method::DELETE, path)
    }

    /// Any method.
    ///
    /// # Panics
    /// When the path can't stand in a request: a space in it for example, which is written `%20`.
    #[track_caller]
    pub fn request(self, method: Method, path: &str) -> HttpCall<'a> {
        let uri = path.parse().unwrap_or_else(|error| panic!("`{path}` can't stand in a request: {error}"));
        let mut request = Request::new(Body::empty());
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        HttpCall { app: self.0, request }
    }

    /// Sends a request that was put together elsewhere.
    pub fn call(self, request: Request<Body>) -> HttpCall<'a> {
        HttpCall { app: self.0, request }
    }
}

impl HttpCall<'_> {
    /// With a header.
    ///
    /// # Panics
    /// When it can't be one.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (name, value) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>());
        let (Ok(name), Ok(value)) = (&name, &value) else { panic!("{name:?}: {value:?} can't be a header") };
        self.request.headers_mut().append(name, value.clone());
        self
    }

    /// With a value as the body, and the content type of JSON.
    ///
    /// # Panics
    /// When it can't be written as JSON.
    #[track_caller]
    pub fn json<T: Serialize>(self, value: &T) -> Self {
        let text = serde_json::to_vec(value).unwrap_or_else(|error| panic!("the body can't be written as JSON: {error}"));
        self.body("application/json", text)
    }

    /// With a body of this content type.
    ///
    /// # Panics
    /// When the content type can't be a header.
    #[track_caller]
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = Body::from(body.into());
        self.header(CONTENT_TYPE.as_str(), content_type)
    }

    /// Sends it, and hands the answer over while its body still comes: that of a stream without an end.
    pub async fn open(self) -> HttpStream {
        let (parts, body) = self.app.app().answer(self.request).await.into_parts();
        HttpStream { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends it, and waits until what the route published has settled.
    ///
    /// # Panics
    /// When the body of the answer breaks off.
    pub async fn send(self) -> HttpAnswer {
        let response = self.app.app().answer(self.request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap_or_else(|error| panic!("the answer broke off: {error}")).to_bytes();
        self.app.settled().await;
        HttpAnswer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

/// An answer whose body still comes. Dropping it is the client going away.
#[derive(Debug)]
#[non_exhaustive]
pub struct HttpStream {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Body,
}

impl HttpStream {
    /// The next piece of the body, an event for example; none at its end.
    ///
    /// # Panics
    /// When the body breaks off.
    pub async fn piece(&mut self) -> Option<Bytes> {
        loop {
            let frame = self.body.frame().await?.unwrap_or_else(|error| panic!("the answer broke off: {error}"));
            if let Ok(data) = frame.into_data() {
                return Some(data);
            }
        }
    }
}

impl HttpAnswer {
    /// The body as this type.
    ///
    /// # Panics
    /// When it is none; the message shows the answer.
    #[must_use]
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}; the answer was {}", self.shown()))
    }

    /// The body as the problem that it describes.
    ///
    /// # Panics
    /// When it is none; the message shows the answer.
    #[must_use]
    #[track_caller]
    pub fn problem(&self) -> Problem {
        let kind = self.header("content-type");
        assert!(kind == Some(crate::http::PROBLEM_JSON), "expected a problem, found {}", self.shown());
        self.json()
    }

    /// A header, if it is there and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn shown(&self) -> String {
        let status = StatusCode::from_u16(self.status).map_or_else(|_| self.status.to_string(), |status| status.to_string());
        format!("{status}: {}", String::from_utf8_lossy(&self.body))
    }
}
