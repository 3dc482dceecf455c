//! Takes the bodies of functions out of a source text before it is parsed: nothing is looked for in them, and
//! they are most of it.

/// The text with the bodies of its functions empty. Line breaks stay, so that every item keeps its line.
///
/// It only has to be right for Rust that compiles: whoever parses the result falls back to the whole text.
pub(crate) fn without_bodies(text: &str) -> String {
    let mut bodies = Bodies { bytes: text.as_bytes(), at: 0, kept: 0, out: String::with_capacity(text.len()), text };
    while let Some(token) = bodies.next() {
        if token == Token::Fn && bodies.named() && bodies.signature() {
            bodies.body();
        }
    }
    bodies.out.push_str(&text[bodies.kept..]);
    bodies.out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    /// The keyword `fn`.
    Fn,
    /// Another word.
    Word,
    /// A character of its own.
    Sign(u8),
}

struct Bodies<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    /// Everything before is in `out`, or left out.
    kept: usize,
    out: String,
}

impl Bodies<'_> {
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or_default()
    }

    /// The next token, behind white space, comments and literals.
    fn next(&mut self) -> Option<Token> {
        while self.at < self.bytes.len() {
            match self.byte(0) {
                b'/' if self.byte(1) == b'/' => self.skip_until(b'\n'),
                b'/' if self.byte(1) == b'*' => self.block_comment(),
                b'"' => self.quoted(),
                b'\'' => self.character(),
                byte if is_word(byte) => return Some(self.word()),
                byte if byte.is_ascii_whitespace() => self.at += 1,
                byte => {
                    self.at += 1;
                    return Some(Token::Sign(byte));
                }
            }
        }
        None
    }

    fn skip_until(&mut self, end: u8) {
        while self.at < self.bytes.len() && self.byte(0) != end {
            self.at += 1;
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.bytes.len() {
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') => depth += 1,
                (b'*', b'/') => depth -= 1,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                return;
            }
        }
    }

    fn quoted(&mut self) {
        self.at += 1;
        while self.at < self.bytes.len() && self.byte(0) != b'"' {
            self.at += if self.byte(0) == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
    }

    /// A character, or the quotation mark of a lifetime.
    fn character(&mut self) {
        if self.byte(1) == b'\\' {
            self.at += 3;
            self.skip_until(b'\'');
            self.at += 1;
            return;
        }
        let width = self.text[self.at + 1..].chars().next().map_or(1, char::len_utf8);
        self.at += if self.byte(1 + width) == b'\'' { width + 2 } else { 1 };
    }

    fn word(&mut self) -> Token {
        let start = self.at;
        while is_word(self.byte(0)) {
            self.at += 1;
        }
        let word = &self.bytes[start..self.at];
        // `r"..."`, `br#"..."#`, `cr"..."`: no escapes within.
        if matches!(word, b"r" | b"br" | b"cr") && matches!(self.byte(0), b'"' | b'#') {
            self.raw();
        }
        if word == b"fn" { Token::Fn } else { Token::Word }
    }

    /// A raw string, or the rest of a raw identifier.
    fn raw(&mut self) {
        let hashes = self.bytes[self.at..].iter().take_while(|byte| **byte == b'#').count();
        if self.byte(hashes) != b'"' {
            return;
        }
        let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
        self.at += hashes + 1;
        while self.at < self.bytes.len() && !self.bytes[self.at..].starts_with(&end) {
            self.at += 1;
        }
        self.at += end.len();
    }

    /// Whether a name follows: `fn(u8)` is a type.
    fn named(&mut self) -> bool {
        matches!(self.next(), Some(Token::Word))
    }

    /// Moves to behind the brace that opens the body, if there is one. Braces of constant generics stand within
    /// `<..>` or `[..]`.
    fn signature(&mut self) -> bool {
        let (mut depth, mut last) = (0_i32, 0);
        while let Some(token) = self.next() {
            let Token::Sign(sign) = token else {
                last = 0;
                continue;
            };
            match sign {
                b'(' | b'[' | b'<' => depth += 1,
                b'>' if last == b'-' || last == b'=' => {}
                b')' | b']' | b'>' => depth -= 1,
                b'{' if depth == 0 => return true,
                b';' if depth == 0 => return false,
                b'}' if depth == 0 => return false,
                _ => {}
            }
            last = sign;
        }
        false
    }

    /// Leaves out what stands up to the brace that closes it.
    fn body(&mut self) {
        self.out.push_str(&self.text[self.kept..self.at]);
        let start = self.at;
        let mut depth = 1;
        while depth > 0 {
            match self.next() {
                Some(Token::Sign(b'{')) => depth += 1,
                Some(Token::Sign(b'}')) => depth -= 1,
                Some(_) => {}
                None => break,
            }
        }
        self.kept = self.at.min(self.bytes.len()).saturating_sub(1).max(start);
        self.out.extend(self.bytes[start..self.kept].iter().filter(|byte| **byte == b'\n').map(|_| '\n'));
    }
}

/// Letters of other scripts are words too: nothing else stands outside of literals and comments.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::without_bodies;

    #[track_caller]
    fn becomes(text: &str, expected: &str) {
        assert_eq!(without_bodies(text), expected);
        assert!(syn::parse_file(expected).is_ok(), "{expected}");
    }

    #[test]
    fn bodies_go_and_lines_stay() {
        becomes("fn a() -> u8 {\n  if x { 1 } else { 2 }\n}\nstruct B { x: u8 }", "fn a() -> u8 {\n\n}\nstruct B { x: u8 }");
        becomes(
            "impl A { async fn b(&self) where T: C, { x } const D: u8 = 1; }",
            "impl A { async fn b(&self) where T: C, {} const D: u8 = 1; }",
        );
        becomes("trait A { fn b(); fn c() { d() } }", "trait A { fn b(); fn c() {} }");
    }

    #[test]
    fn braces_in_literals_and_comments_are_none() {
        becomes(
            r##"fn a() { "}"; r#"}"}"#; '}'; '\''; b'}'; /* } /* } */ */ 'x: loop {} // }
}"##,
            "fn a() {\n}",
        );
        becomes(
            "/* fn a() { */ const B: &str = \"fn c() {\"; const R: &str = r\"\\\"; fn d<'a>() { '\u{e9}' }",
            "/* fn a() { */ const B: &str = \"fn c() {\"; const R: &str = r\"\\\"; fn d<'a>() {}",
        );
    }

    #[test]
    fn braces_in_signatures_are_no_bodies() {
        becomes("fn a() -> A<{ N }, { M }> { x }", "fn a() -> A<{ N }, { M }> {}");
        becomes("fn a(x: [u8; { N }], f: impl Fn(u8) -> u8) { x }", "fn a(x: [u8; { N }], f: impl Fn(u8) -> u8) {}");
        becomes("struct A { f: fn(u8) -> u8, r#fn: u8 } fn r#fn() { x }", "struct A { f: fn(u8) -> u8, r#fn: u8 } fn r#fn() {}");
    }
}
