//! What the compiler judges in generated wiring, where the scan could not follow a type.

use super::same_text;
use crate::handler::{EventHandler, RequestHandler};
use crate::message::Message;

/// Refuses the handler of a command or query in another service than the message's owner.
///
/// # Panics
/// In a constant, so at build time, with the text given.
pub const fn assert_owned<H: RequestHandler>(service: &str, why: &str) {
    let owned = match <H::Request as Message>::TYPE.owner {
        Some(owner) => same_text(owner, service),
        None => false,
    };
    assert!(owned, "{}", why);
}

/// An event handler of a service.
#[derive(Debug)]
pub struct Row<'a> {
    name: &'static str,
    group: Option<&'static str>,
    why: &'a str,
}

impl<'a> Row<'a> {
    /// The row of a handler, and what to say if it is one too many.
    #[must_use]
    pub const fn of<H: EventHandler>(why: &'a str) -> Self {
        Self { name: <H::Event as Message>::TYPE.name, group: H::DECL.group, why }
    }
}

/// Refuses two handlers of one service and group for one event.
///
/// # Panics
/// In a constant, so at build time, with the text of the later one.
pub const fn assert_distinct(rows: &[Row<'_>]) {
    let mut later = 1;
    while later < rows.len() {
        let mut earlier = 0;
        while earlier < later {
            let same = same_text(rows[earlier].name, rows[later].name) && same_group(rows[earlier].group, rows[later].group);
            assert!(!same, "{}", rows[later].why);
            earlier += 1;
        }
        later += 1;
    }
}

const fn same_group(left: Option<&str>, right: Option<&str>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => same_text(left, right),
        _ => false,
    }
}
