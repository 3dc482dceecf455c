//! Comments of `.proto` files as documentation of Rust items.
//!
//! rustdoc takes indented blocks and blocks without a language for Rust, and compiles them as tests of the crate
//! that includes the generated code. In a `.proto` file they hardly are.

use prost_types::FileDescriptorProto;

/// Makes text of what rustdoc would compile.
pub(super) fn prepare(file: &mut FileDescriptorProto) {
    let locations = file.source_code_info.iter_mut().flat_map(|info| &mut info.location);
    for location in locations {
        for comment in [&mut location.leading_comments, &mut location.trailing_comments].into_iter().flatten() {
            *comment = prepared(comment);
        }
    }
}

fn prepared(comment: &str) -> String {
    let mut in_block = false;
    let lines = comment.lines().map(|line| {
        let is_fence = line.trim_start().starts_with("```");
        in_block ^= is_fence;
        match (is_fence, in_block) {
            (true, true) => opened(line),
            (false, false) => less_indented(line),
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A block begins: text, unless it is said to be something else that is not Rust.
fn opened(fence: &str) -> String {
    let (indent, language) = fence.split_once("```").unwrap_or(("", ""));
    match language.trim() {
        "" | "rust" => format!("{indent}```text"),
        _ => fence.to_owned(),
    }
}

/// One blank is what follows the slashes; four more would begin a block. prost adds one.
fn less_indented(line: &str) -> String {
    let text = line.trim_start();
    if line.len() - text.len() > 4 { format!("   {text}") } else { line.to_owned() }
}
