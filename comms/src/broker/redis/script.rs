//! The Lua scripts: what has to happen at once or not at all.

use std::sync::LazyLock;

use redis::{Cmd, Value};

use super::connection::Link;
use crate::broker::BrokerError;

/// A script, and the hash that the server knows it by.
pub(super) struct Script {
    source: String,
    hash: String,
}

impl Script {
    fn new(source: &str) -> Self {
        // A server without memory takes no messages any more; settling what it has must go on, and makes room.
        let source = source.replace("--GIVE_BACK--", include_str!("scripts/give_back.lua"));
        let source = format!("#!lua flags=allow-oom\n{}", source.replace("--HAS_ID--", include_str!("scripts/has_id.lua")));
        let hash = redis::Script::new(&source).get_hash().to_owned();
        Self { source, hash }
    }

    /// Runs it, and brings it to the server when that has not seen it.
    pub(super) async fn run(
        &self,
        link: &Link,
        attempted: &str,
        keys: &[&str],
        arguments: impl Fn(&mut Cmd),
    ) -> Result<Value, BrokerError> {
        let command = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(keys.len()).arg(keys);
            arguments(&mut command);
            command
        };
        match link.ask(attempted, &command("EVALSHA", &self.hash)).await {
            Err(error) if error.to_string().contains("NOSCRIPT") || error.to_string().contains("NoScript") => {
                link.ask(attempted, &command("EVAL", &self.source)).await
            }
            answer => answer,
        }
    }
}

macro_rules! scripts {
    ($($name:ident = $file:literal;)*) => {
        $(pub(super) static $name: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!($file)));)*
    };
}

scripts! {
    COUNT = "scripts/count.lua";
    DECLARE = "scripts/declare.lua";
    DUE = "scripts/due.lua";
    FORGET = "scripts/forget.lua";
    GIVE_UP = "scripts/give_up.lua";
    LAG = "scripts/lag.lua";
    MARK = "scripts/mark.lua";
    MARKED = "scripts/marked.lua";
    MOVE = "scripts/move.lua";
    PUMP = "scripts/pump.lua";
    REAP = "scripts/reap.lua";
    RELEASE = "scripts/release.lua";
    RENEW = "scripts/renew.lua";
    REPLAY = "scripts/replay.lua";
    SEEK = "scripts/seek.lua";
    SETTLE = "scripts/settle.lua";
    TAKE = "scripts/take.lua";
    TRIM = "scripts/trim.lua";
}
