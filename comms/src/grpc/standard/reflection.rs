//! `grpc.reflection.v1` and `v1alpha`: the `.proto` files of the services, for tools. The messages of both are the same.

use std::sync::Arc;

use prost::bytes::Bytes;
use prost::{Message, Oneof};
use tonic::Code;

use super::index::Index;
use crate::grpc::{Answer, Call, Descriptor, GrpcError, Inbound, MethodDecl, Outbound, Serves};

const METHODS: &[MethodDecl] = &[MethodDecl::bidirectional("ServerReflectionInfo")];

/// The service `grpc.reflection.v1.ServerReflection`.
pub(crate) struct Reflection1;

impl Descriptor for Reflection1 {
    const NAME: &'static str = "grpc.reflection.v1.ServerReflection";
    const METHODS: &'static [MethodDecl] = METHODS;
}

/// The service `grpc.reflection.v1alpha.ServerReflection`, which older tools ask.
pub(crate) struct Reflection1Alpha;

impl Descriptor for Reflection1Alpha {
    const NAME: &'static str = "grpc.reflection.v1alpha.ServerReflection";
    const METHODS: &'static [MethodDecl] = METHODS;
}

/// What answers both.
#[derive(Debug)]
pub(crate) struct Reflection {
    services: Vec<&'static str>,
    index: Index,
}

impl Serves<Reflection> for Reflection1 {
    async fn serve(reflection: Arc<Reflection>, call: Call) -> Answer {
        call.bidirectional(move |questions| async move { Ok(reflection.stream(questions)) }).await
    }
}

impl Serves<Reflection> for Reflection1Alpha {
    async fn serve(reflection: Arc<Reflection>, call: Call) -> Answer {
        Reflection1::serve(reflection, call).await
    }
}

impl Reflection {
    /// Of the services, which the sets of files describe.
    pub(crate) fn new<'a>(services: Vec<&'static str>, sets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self { services, index: Index::of(sets) }
    }

    fn stream(self: Arc<Self>, mut questions: Inbound<Question>) -> Outbound<Reply, GrpcError> {
        Outbound::produce(|replies| async move {
            while let Some(question) = questions.message().await? {
                replies.send(self.reply(question)).await?;
            }
            Ok(())
        })
    }

    fn reply(&self, question: Question) -> Reply {
        let content = question.asked.as_ref().map(|asked| self.answer(asked));
        let content = content.unwrap_or_else(|| refusal(Code::InvalidArgument, "the question is empty"));
        Reply { valid_host: question.host.clone(), original: Some(question), content: Some(content) }
    }

    fn answer(&self, asked: &Asked) -> Content {
        let file = |files: Option<Vec<Bytes>>| files.map(|files| Content::Files(Files { files }));
        let found = match asked {
            Asked::File(name) => file(self.index.file(name)),
            Asked::Symbol(name) => file(self.index.symbol(name)),
            Asked::Extension(wanted) => file(self.index.extension(&wanted.extended, wanted.number)),
            Asked::Extensions(name) => {
                self.index.extensions(name).map(|numbers| Content::Extensions(Numbers { name: name.clone(), numbers }))
            }
            Asked::Services(_) => Some(Content::Services(self.listed())),
        };
        found.unwrap_or_else(|| refusal(Code::NotFound, "no file of this service defines it"))
    }

    fn listed(&self) -> Services {
        Services { services: self.services.iter().map(|name| Named { name: (*name).to_owned() }).collect() }
    }
}

fn refusal(code: Code, message: &str) -> Content {
    Content::Refusal(Refusal { code: code as i32, message: message.to_owned() })
}

#[derive(Clone, PartialEq, Message)]
struct Question {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(oneof = "Asked", tags = "3, 4, 5, 6, 7")]
    asked: Option<Asked>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Asked {
    #[prost(string, tag = "3")]
    File(String),
    #[prost(string, tag = "4")]
    Symbol(String),
    #[prost(message, tag = "5")]
    Extension(Extension),
    #[prost(string, tag = "6")]
    Extensions(String),
    #[prost(string, tag = "7")]
    Services(String),
}

#[derive(Clone, PartialEq, Message)]
struct Extension {
    #[prost(string, tag = "1")]
    extended: String,
    #[prost(int32, tag = "2")]
    number: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Reply {
    #[prost(string, tag = "1")]
    valid_host: String,
    #[prost(message, optional, tag = "2")]
    original: Option<Question>,
    #[prost(oneof = "Content", tags = "4, 5, 6, 7")]
    content: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Content {
    #[prost(message, tag = "4")]
    Files(Files),
    #[prost(message, tag = "5")]
    Extensions(Numbers),
    #[prost(message, tag = "6")]
    Services(Services),
    #[prost(message, tag = "7")]
    Refusal(Refusal),
}

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    files: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct Numbers {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int32, repeated, tag = "2")]
    numbers: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    services: Vec<Named>,
}

#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Refusal {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}
