//! Server-sent events out of their bytes, as the
//! [standard of HTML](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation) reads them.

use std::time::Duration;

use bytes::{Buf as _, Bytes};

use super::Event;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads events, however their bytes are cut into pieces.
#[derive(Debug)]
pub(crate) struct EventReader {
    /// How many bytes one event may have.
    limit: usize,
    /// The first line may begin with a mark.
    begun: bool,
    /// The last line ended with a CR: a LF that follows belongs to it.
    after_cr: bool,
    /// The beginning of a line whose end is still to come.
    line: Vec<u8>,
    data: Option<String>,
    name: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
}

/// An event has more bytes than it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl EventReader {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, begun: false, after_cr: false, line: Vec::new(), data: None, name: None, id: None, retry: None }
    }

    /// The next event of the piece, from which it takes what it has read; nothing when the piece is used up.
    pub(crate) fn read(&mut self, piece: &mut Bytes) -> Result<Option<Event>, TooLarge> {
        while !piece.is_empty() {
            if std::mem::take(&mut self.after_cr) && piece[0] == b'\n' {
                piece.advance(1);
                continue;
            }
            let end = piece.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let line = piece.split_to(end.unwrap_or(piece.len()));
            self.check(line.len())?;
            let Some(end) = piece.first().copied() else {
                self.line.extend_from_slice(&line);
                return Ok(None);
            };
            self.after_cr = end == b'\r';
            piece.advance(1);
            let event = if self.line.is_empty() {
                self.take_line(&line)
            } else {
                let mut begun = std::mem::take(&mut self.line);
                begun.extend_from_slice(&line);
                self.take_line(&begun)
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// Whether the stream has ended in the middle of an event.
    pub(crate) fn is_within_an_event(&self) -> bool {
        self.data.is_some() || self.line.first().is_some_and(|first| *first != b':')
    }

    /// What is kept of an event does not grow beyond the limit.
    fn check(&self, more: usize) -> Result<(), TooLarge> {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let kept = self.line.len() + text(&self.data) + text(&self.name) + text(&self.id);
        if kept + more > self.limit { Err(TooLarge) } else { Ok(()) }
    }

    fn take_line(&mut self, line: &[u8]) -> Option<Event> {
        let line = if std::mem::replace(&mut self.begun, true) { line } else { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) };
        if line.is_empty() {
            return self.dispatch();
        }
        let line = String::from_utf8_lossy(line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        self.take_field(field, value.strip_prefix(' ').unwrap_or(value));
        None
    }

    /// A comment is a field without a name, and as unknown as any other.
    fn take_field(&mut self, field: &str, value: &str) {
        match field {
            "event" => self.name = Some(value.to_owned()).filter(|name| !name.is_empty()),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry = value.parse().ok().map(Duration::from_millis);
            }
            _ => {}
        }
    }

    /// What has no data is no event; its id and time are those of the next one.
    fn dispatch(&mut self) -> Option<Event> {
        let name = self.name.take();
        let data = self.data.take()?;
        Some(Event::received(data, name, self.id.take(), self.retry.take()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in(pieces: &[&[u8]], limit: usize) -> Result<Vec<Event>, TooLarge> {
        let (mut reader, mut events) = (EventReader::new(limit), Vec::new());
        for piece in pieces {
            let mut piece = Bytes::copy_from_slice(piece);
            while let Some(event) = reader.read(&mut piece)? {
                events.push(event);
            }
        }
        Ok(events)
    }

    fn read(text: &str) -> Vec<Event> {
        read_in(&[text.as_bytes()], 1000).unwrap()
    }

    #[test]
    fn the_examples_of_the_standard_are_read_as_it_says() {
        assert_eq!(read("data: YHOO\ndata: +2\ndata: 10\n\n"), [Event::data("YHOO\n+2\n10")]);
        let text = ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n";
        assert_eq!(read(text), [Event::data("first event").id("1"), Event::data("second event").id(""), Event::data(" third event")]);
        assert_eq!(read("data\n\ndata\ndata\n\ndata:"), [Event::data(""), Event::data("\n")]);
        assert_eq!(read("data:test\n\ndata: test\n\n"), [Event::data("test"), Event::data("test")]);
    }

    #[test]
    fn every_event_is_the_same_however_it_is_cut() {
        let (first, second) = (Event::data("a\nö: b").name("x").id("7").retry(Duration::from_millis(5)), Event::data(""));
        for line_end in ["\n", "\r", "\r\n"] {
            let text = format!("\u{FEFF}{first}: comment\n{second}").replace('\n', line_end);
            for at in 0..text.len() {
                let (head, tail) = text.as_bytes().split_at(at);
                assert_eq!(read_in(&[head, &[], tail], 1000).unwrap(), [first.clone(), second.clone()], "{text:?} at {at}");
            }
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(read_in(&bytes, 1000).unwrap(), [first.clone(), second.clone()]);
        }
    }

    #[test]
    fn what_is_no_field_is_passed_over() {
        assert_eq!(read("id: 1\nretry: 9\nevent: x\n\ndata: a\n\n"), [Event::data("a").id("1").retry(Duration::from_millis(9))]);
        assert_eq!(read("retry: 1s\nretry:\nid: a\0b\nDATA: x\n data: y\nevent:\ndata: a\n\n"), [Event::data("a")]);
        // The mark is one at the beginning only.
        assert_eq!(read("data: a\n\n\u{FEFF}data: b\n\n"), [Event::data("a")]);
        assert_eq!(read_in(&[b"data: \xFF\n\n"], 100).unwrap(), [Event::data("\u{FFFD}")]);
        assert_eq!(read("data: one\n\ndata: unfinished\n"), [Event::data("one")]);
    }

    #[test]
    fn an_end_within_an_event_is_known() {
        for (text, within) in [("", false), ("data: a\n\n", false), ("data: a\n", true), ("dat", true), (": comm", false), ("\r\n", false)]
        {
            let mut reader = EventReader::new(100);
            let mut piece = Bytes::copy_from_slice(text.as_bytes());
            while reader.read(&mut piece).unwrap().is_some() {}
            assert_eq!(reader.is_within_an_event(), within, "{text:?}");
        }
    }

    #[test]
    fn an_event_is_bounded_and_a_stream_is_not() {
        let small = "data: 0123456789\n\n".repeat(100) + &": comment\n".repeat(100);
        assert_eq!(read_in(&[small.as_bytes()], 16).unwrap().len(), 100);
        assert_eq!(read_in(&[b"data: 0123456789"], 15), Err(TooLarge));
        assert_eq!(read_in(&["data: 01234\n".repeat(5).as_bytes()], 30), Err(TooLarge));
        let endless: Vec<&[u8]> = vec![b": x"; 20];
        assert_eq!(read_in(&endless, 30), Err(TooLarge));
    }
}
