//! Names that the generated code needs for itself.

use prost_types::method_options::IdempotencyLevel;
use prost_types::{FileDescriptorProto, MethodDescriptorProto, MethodOptions, ServiceDescriptorProto};

use super::compile::Compiled;
use super::{ProtoMethod, ProtoService};
use crate::diagnosis::{Diagnosis, Place};

/// What is generated beside the trait of a service, by what is put behind its name.
const SUFFIXES: [&str; 3] = ["Descriptor", "Server", "Client"];

/// The number of `service` among the fields of a `FileDescriptorProto`, as paths of locations use it.
const SERVICE: i32 = 6;

/// Every type of a package that has a name which is generated for one of its services.
pub(super) fn check(compiled: &Compiled) -> Result<(), Vec<Diagnosis>> {
    let mut found = Vec::new();
    for file in &compiled.descriptors.file {
        let taken: Vec<&str> = types_of(compiled, file.package()).collect();
        for (at, service) in file.service.iter().enumerate() {
            let clashes = SUFFIXES.iter().map(|suffix| format!("{}{suffix}", service.name())).filter(|name| taken.contains(&name.as_str()));
            found.extend(clashes.map(|name| clash(compiled, file, at, service, &name)));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The services of all files.
pub(super) fn services(compiled: &Compiled) -> Vec<ProtoService> {
    let services = compiled.descriptors.file.iter().flat_map(|file| file.service.iter().map(move |service| (file.package(), service)));
    let service = |(package, service): (&str, &ServiceDescriptorProto)| {
        let name = service.name();
        let name = if package.is_empty() { name.to_owned() } else { format!("{package}.{name}") };
        ProtoService { name, methods: service.method.iter().map(method).collect() }
    };
    services.map(service).collect()
}

fn method(method: &MethodDescriptorProto) -> ProtoMethod {
    let kind = match (method.client_streaming(), method.server_streaming()) {
        (false, false) => "unary",
        (true, false) => "client streaming",
        (false, true) => "server streaming",
        (true, true) => "bidirectional",
    };
    let idempotency = match method.options.as_ref().map(MethodOptions::idempotency_level) {
        Some(IdempotencyLevel::NoSideEffects) => Some("no side effects"),
        Some(IdempotencyLevel::Idempotent) => Some("idempotent"),
        Some(IdempotencyLevel::IdempotencyUnknown) | None => None,
    };
    ProtoMethod { name: method.name().to_owned(), kind, idempotency }
}

fn types_of<'a>(compiled: &'a Compiled, package: &'a str) -> impl Iterator<Item = &'a str> {
    let files = compiled.descriptors.file.iter().filter(move |file| file.package() == package);
    files.flat_map(|file| file.message_type.iter().map(|it| it.name()).chain(file.enum_type.iter().map(|it| it.name())))
}

fn clash(compiled: &Compiled, file: &FileDescriptorProto, at: usize, service: &ServiceDescriptorProto, name: &str) -> Diagnosis {
    let (line, column) = start(file, at).unwrap_or((1, 1));
    let place = Place { file: compiled.names.display(file.name()), line };
    let cause = format!("the service `{}` needs the name `{name}`, which is a type of the same package", service.name());
    Diagnosis::error(place, cause, "Rename one of the two, or move the type to another package").at_column(column)
}

/// Where the service begins, from 1.
fn start(file: &FileDescriptorProto, service: usize) -> Option<(usize, usize)> {
    let path = [SERVICE, i32::try_from(service).ok()?];
    let location = file.source_code_info.as_ref()?.location.iter().find(|location| location.path == path)?;
    let [line, column, ..] = location.span.as_slice() else { return None };
    Some((usize::try_from(*line).ok()? + 1, usize::try_from(*column).ok()? + 1))
}
