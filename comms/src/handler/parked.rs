//! Keys whose messages follow a dead letter, in a subscription that parks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::broker::{Admin, BrokerError, DeadLetterFilter, Shard, Subscription};

/// The parked keys of a subscription, as far as this member knows them.
///
/// The truth is the dead-letter queue, which outlives every member: a key is parked while a letter of it is
/// there. A member reads it when a shard comes to it.
#[derive(Debug, Default)]
pub(crate) struct ParkedKeys {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// With the moment when a letter was last known to be there.
    keys: HashMap<Arc<str>, Instant>,
    /// Of each shard the tenure in which the letters were read.
    tenures: HashMap<u16, u32>,
}

/// A parked key that gets a message is looked up again after this: its letters may have been purged.
const TRUSTED: Duration = Duration::from_secs(5);

impl ParkedKeys {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parks the key.
    pub(crate) fn park(&self, key: &Arc<str>) {
        self.lock().keys.insert(Arc::clone(key), Instant::now());
    }

    /// Whether messages of the key are to be parked.
    pub(crate) async fn holds(&self, key: &str, subscription: &Subscription, admin: &dyn Admin) -> Result<bool, BrokerError> {
        let Some(known) = self.lock().keys.get(key).copied() else { return Ok(false) };
        if known.elapsed() >= TRUSTED {
            self.unpark_if_empty(key, subscription, admin).await?;
        }
        Ok(self.lock().keys.contains_key(key))
    }

    /// Learns what other members parked before this one got the shard.
    pub(crate) async fn learn(&self, shard: Shard, subscription: &Subscription, admin: &dyn Admin) -> Result<(), BrokerError> {
        if self.lock().tenures.get(&shard.index) == Some(&shard.tenure) {
            return Ok(());
        }
        let letters = admin.dead_letters(subscription, &DeadLetterFilter::default()).await?;
        let mut known = self.lock();
        let now = Instant::now();
        known.keys.extend(letters.iter().filter_map(|letter| letter.envelope.metadata.key.clone()).map(|key| (key, now)));
        known.tenures.insert(shard.index, shard.tenure);
        Ok(())
    }

    /// Frees the key if no letter of it is left: the last one was replayed, or purged.
    pub(crate) async fn unpark_if_empty(&self, key: &str, subscription: &Subscription, admin: &dyn Admin) -> Result<(), BrokerError> {
        let filter = DeadLetterFilter { key: Some(key.to_owned()), limit: Some(1), ..DeadLetterFilter::default() };
        let is_empty = admin.dead_letters(subscription, &filter).await?.is_empty();
        let mut known = self.lock();
        if is_empty {
            known.keys.remove(key);
        } else if let Some(moment) = known.keys.get_mut(key) {
            *moment = Instant::now();
        }
        Ok(())
    }
}
