//! Every `curl` of the documentation, as it stands there, against the running shop.

use std::path::Path;
use std::process::Command;

use crate::process::{Shop, root, said};

/// A line of a document that is meant to be typed.
#[derive(Debug)]
struct Line {
    document: String,
    text: String,
}

impl Line {
    /// The status that it says it gets: `# 409, a problem`; success where it says nothing.
    fn is_expected(&self, status: &str) -> bool {
        let said = self
            .text
            .rsplit_once(" # ")
            .and_then(|(_, remark)| remark.get(..3))
            .filter(|said| said.bytes().all(|sign| sign.is_ascii_digit()));
        said.map_or_else(|| status.starts_with('2'), |said| said == status)
    }
}

fn lines(document: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(document).unwrap_or_else(|error| panic!("{}: {error}", document.display()));
    let typed = text.lines().map(|line| line.trim_start().trim_start_matches("$ ")).filter(|line| line.starts_with("curl "));
    typed.map(|text| Line { document: document.display().to_string(), text: text.to_owned() }).collect()
}

fn documents() -> Vec<Line> {
    let mut documents = vec![root().join("README.md"), root().join("examples/shop/README.md")];
    let folder = std::fs::read_dir(root().join("docs")).expect("there are documents");
    documents.extend(folder.map(|entry| entry.expect("an entry").path()).filter(|path| path.extension().is_some_and(|end| end == "md")));
    documents.sort();
    documents.iter().flat_map(|document| lines(document)).collect()
}

#[test]
fn every_curl_of_the_documentation_does_what_it_says() {
    let (shop, lines) = (Shop::start(), documents());
    assert!(lines.iter().filter(|line| line.document.contains("shop")).count() >= 4, "{lines:#?}");
    for line in &lines {
        let typed = line.text.replace("127.0.0.1:8080", &shop.http).replace("127.0.0.1:9464", &shop.admin);
        assert!(typed != line.text, "{line:?} is for neither of the usual ports");
        // The status comes last, whatever the line itself prints.
        let typed = typed.replacen("curl ", "curl -sS --max-time 30 -w '\\n%{http_code}' ", 1);
        let output = Command::new("sh").args(["-c", &typed]).output().expect("a shell runs");
        assert!(output.status.success(), "{line:?}: {}", said(&output));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (answer, status) = text.rsplit_once('\n').expect("a status");
        assert!(line.is_expected(status), "{line:?} got {status}: {answer}");
        assert!(status.starts_with('2') || answer.contains("content-type: application/problem+json"), "{line:?}: {answer}");
    }
}
