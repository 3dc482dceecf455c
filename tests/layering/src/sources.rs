//! Which module names which, read from the tokens of the sources.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One module names another.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) from: String,
    pub(crate) to: String,
    /// `file:line`.
    pub(crate) place: String,
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../comms/src")
}

/// What the crate's root re-exports, and from which module: `crate::Class` is `error`.
fn home(name: &str) -> Option<&'static str> {
    Some(match name {
        "BoxError" | "Class" | "Classified" | "Classify" | "Failure" | "Fault" => "error",
        "Context" => "context",
        "Command" | "Event" | "Message" | "Query" | "Request" => "message",
        "Brokers" | "PublishError" | "Publisher" | "Source" => "publisher",
        "CallError" | "CommandBus" | "QueryBus" => "cqrs",
        "App" | "AppBuilder" | "Service" | "StartError" | "Stopped" | "Tasks" | "Wiring" => "app",
        "Secret" | "Settings" => "config",
        "AtMostOnce" => "broker",
        _ => return None,
    })
}

/// Every use of one top-level module by another.
pub(crate) fn uses() -> Vec<Use> {
    files().into_iter().flat_map(|(relative, text)| named(&top_module(&relative), &relative, &text)).collect()
}

/// The uses in a text that stands in the module.
pub(crate) fn uses_in(module: &str, text: &str) -> Vec<Use> {
    named(module, "text", text)
}

fn named(module: &str, file: &str, text: &str) -> Vec<Use> {
    let paths = crate_paths(tokens(file, text));
    let known = |name: &str| home(name).map_or_else(|| name.to_owned(), ToOwned::to_owned);
    // The rest are macros and attributes.
    let is_module = |name: &String| {
        let (root, name) = (source_root(), name.strip_prefix("__").unwrap_or(name));
        root.join(format!("{name}.rs")).exists() || root.join(name).join("mod.rs").exists()
    };
    let used = paths.into_iter().map(|(path, line)| (known(&path[0]), format!("{file}:{line}")));
    used.filter(|(to, _)| is_module(to)).map(|(to, place)| Use { from: module.to_owned(), to, place }).collect()
}

/// Every path that goes through a backend of `broker`, from anywhere but that backend.
pub(crate) fn backend_uses(backends: &[&str]) -> Vec<Use> {
    let mut found = Vec::new();
    for (relative, text) in files() {
        for (path, line) in crate_paths(tokens(&relative, &text)) {
            let [first, second, ..] = path.as_slice() else { continue };
            let inside = relative.starts_with(&format!("broker/{second}/"));
            if first == "broker" && backends.contains(&second.as_str()) && !inside {
                found.push(Use { from: relative.clone(), to: second.clone(), place: format!("{relative}:{line}") });
            }
        }
    }
    found
}

fn tokens(file: &str, text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("{file} is not Rust: {error}"))
}

fn top_module(relative: &str) -> String {
    let first = relative.split('/').next().unwrap_or_default();
    let name = first.strip_suffix(".rs").unwrap_or(first);
    if name == "private" { "__private".to_owned() } else { name.to_owned() }
}

fn files() -> Vec<(String, String)> {
    let (root, mut found) = (source_root(), Vec::new());
    collect(&root, &root, &mut found);
    assert!(found.len() > 50, "the sources of the runtime are not where they were: {}", root.display());
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry of the folder").path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root).expect("it is below the root").display().to_string();
            found.push((relative, std::fs::read_to_string(&path).expect("a source is text")));
        }
    }
}

/// The paths behind `crate::`, with their lines; a group in braces gives one for each of its parts. Doc comments are
/// literals to the tokenizer, so what they link to does not count.
fn crate_paths(stream: TokenStream) -> Vec<(Vec<String>, usize)> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(word) if word == "crate" => {
                let line = word.span().start().line;
                found.extend(behind(&tokens[at + 1..]).into_iter().map(|path| (path, line)));
            }
            TokenTree::Group(group) => found.extend(crate_paths(group.stream())),
            _ => {}
        }
    }
    found
}

/// The paths that continue with `::`.
fn behind(tokens: &[TokenTree]) -> Vec<Vec<String>> {
    let [TokenTree::Punct(first), TokenTree::Punct(second), next, rest @ ..] = tokens else { return Vec::new() };
    if first.as_char() != ':' || second.as_char() != ':' {
        return Vec::new();
    }
    match next {
        TokenTree::Ident(word) => {
            let tails = behind(rest);
            let word = word.to_string();
            if tails.is_empty() { vec![vec![word]] } else { tails.into_iter().map(|tail| [vec![word.clone()], tail].concat()).collect() }
        }
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => parts(group.stream()),
        _ => Vec::new(),
    }
}

fn parts(stream: TokenStream) -> Vec<Vec<String>> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let parts = tokens.split(|token| matches!(token, TokenTree::Punct(sign) if sign.as_char() == ','));
    parts.flat_map(part).collect()
}

fn part(tokens: &[TokenTree]) -> Vec<Vec<String>> {
    let [TokenTree::Ident(word), rest @ ..] = tokens else { return Vec::new() };
    let (word, tails) = (word.to_string(), behind(rest));
    if tails.is_empty() { vec![vec![word]] } else { tails.into_iter().map(|tail| [vec![word.clone()], tail].concat()).collect() }
}
