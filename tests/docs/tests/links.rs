//! Every relative link in a Markdown file of this repository leads to a file that is there, and its anchor to a heading.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_relative_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 10, "found only {files:?}");
    let broken: Vec<String> = files.iter().flat_map(|file| broken_links(&root, file)).collect();
    assert!(broken.is_empty(), "these links lead nowhere:\n  {}", broken.join("\n  "));
}

/// All Markdown files below, but for what is built and what is hidden.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder can be read").map(|entry| entry.expect("an entry can be read")) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let kind = entry.file_type().expect("its type is known");
        if kind.is_dir() && !name.starts_with('.') && !name.starts_with("target") && name != "node_modules" {
            collect(&path, files);
        } else if kind.is_file() && name.ends_with(".md") {
            files.push(path);
        }
    }
}

fn broken_links(root: &Path, file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("a Markdown file is text");
    let shown = file.strip_prefix(root).unwrap_or(file).display().to_string();
    links(&text).into_iter().filter_map(|link| broken(file, &link)).map(|why| format!("{shown}: {why}")).collect()
}

/// Why the link leads nowhere; none for links to elsewhere, and for rustdoc's own.
fn broken(file: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") || link.contains("::") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { file.to_owned() } else { file.parent()?.join(path) };
    if !target.exists() {
        return Some(format!("`{link}`: there is no such file"));
    }
    if !anchor.is_empty() && target.extension().is_some_and(|extension| extension == "md") {
        let text = fs::read_to_string(&target).ok()?;
        if !prose(&text).iter().any(|line| line.starts_with('#') && slug(line) == anchor) {
            return Some(format!("`{link}`: there is no such heading"));
        }
    }
    None
}

/// The lines that are not within a code block.
fn prose(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let outside = |line: &&str| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence && !line.starts_with("    ")
    };
    text.lines().filter(outside).collect()
}

/// The targets of `[text](target)`.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            found.extend(rest.split_once(')').map(|(link, _)| link.trim().to_owned()));
        }
    }
    found
}

/// How GitHub and mdBook name a heading.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_'));
    kept.map(|sign| if sign == ' ' { '-' } else { sign }).collect()
}

#[test]
fn links_within_code_are_none() {
    assert_eq!(links("see [a](b.md#c)\n```\n[x](y)\n```\n    [in](code)\n"), ["b.md#c"]);
    assert_eq!(slug("## Two commands, and `code`"), "two-commands-and-code");
}
