//! The end of a membership.

use std::time::Duration;

use tokio::time::timeout;

use super::desk::Place;
use super::script::GIVE_UP;
use super::session::Session;
use super::topics::forget;
use crate::broker::{BrokerError, BrokerErrorKind};

/// How long a server may take that does not answer.
const LAST: Duration = Duration::from_secs(3);

/// Writes out what was settled and gives the rest back, so that nobody waits for the end of the lease.
pub(super) async fn leave(session: &Session, places: &[Place]) {
    let leaving = async {
        session.flush().await?;
        session.desk.die();
        session.reap(&session.member, places).await?;
        if session.subscription.ephemeral {
            forget(&session.shared.link, &session.shared.keys, &session.group.name, &session.member).await?;
        }
        Ok::<(), BrokerError>(())
    };
    if let Ok(Err(error)) = timeout(LAST, leaving).await {
        tracing::debug!(%error, "could not leave the group; its lease will run out");
    }
    session.desk.die();
}

/// Gives a shard up; the one who has it next begins with what was not settled.
pub(super) async fn give_up(session: &Session, shard: u16, unseen: &[(String, u32)]) -> Result<(), BrokerError> {
    let attempted = format!("give up the shard {shard} of `{}`", session.group.name);
    let stream = session.group.shard(shard);
    let keys = [stream.as_str(), &session.group.owners];
    let given = GIVE_UP.run(&session.shared.link, &attempted, &keys, |command| {
        command.arg(&*session.group.name).arg(&session.member).arg(shard);
        for (id, redelivered) in unseen {
            command.arg(id).arg(redelivered);
        }
    });
    given.await.map(drop)
}

/// Why a session ends whose lease has run out.
pub(super) fn lapsed(session: &Session) -> BrokerError {
    let lease = session.shared.config.lease;
    let message = format!("the member of `{}` did not renew its lease of {lease:?} in time; others have what it held", session.group.name);
    BrokerError::new(BrokerErrorKind::Connection, message)
}
