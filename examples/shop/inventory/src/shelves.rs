//! The shelves, in memory. A real shop has a database here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comms::provider;
use tokio::sync::watch;

/// Why nothing was reserved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StockError {
    /// Nobody ever heard of it.
    #[error("there is no article `{0}`")]
    NoSuchArticle(String),
    /// There are too few.
    #[error("of `{article}` there are {available} left")]
    OutOfStock {
        /// The article.
        article: String,
        /// How many there are.
        available: u32,
    },
}

/// All articles; a clone is another handle to the same shelves.
#[derive(Clone, Debug)]
pub struct Shelves(Arc<Mutex<Contents>>);

#[derive(Debug)]
struct Contents {
    articles: HashMap<&'static str, Article>,
    kept: HashMap<String, Kept>,
}

#[derive(Debug)]
struct Article {
    cents: u64,
    available: watch::Sender<u32>,
}

/// What is kept for an order.
#[derive(Clone, Debug)]
struct Kept {
    article: &'static str,
    quantity: u32,
}

impl Shelves {
    /// Shelves with these articles: name, price of one in cents, how many there are.
    #[must_use]
    pub fn with(articles: impl IntoIterator<Item = (&'static str, u64, u32)>) -> Self {
        let articles = articles.into_iter().map(|(name, cents, count)| (name, Article { cents, available: watch::Sender::new(count) }));
        Self(Arc::new(Mutex::new(Contents { articles: articles.collect(), kept: HashMap::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps articles for the order, once; says what they cost.
    ///
    /// # Errors
    /// [`StockError`] when nothing was kept.
    pub fn reserve(&self, order_id: &str, article: &str, quantity: u32) -> Result<u64, StockError> {
        let mut contents = self.lock();
        let Contents { articles, kept } = &mut *contents;
        let (name, shelf) = articles.get_key_value(article).ok_or_else(|| StockError::NoSuchArticle(article.to_owned()))?;
        if !kept.contains_key(order_id) {
            let available = *shelf.available.borrow();
            let left = available.checked_sub(quantity).ok_or_else(|| StockError::OutOfStock { article: article.to_owned(), available })?;
            shelf.available.send_replace(left);
            kept.insert(order_id.to_owned(), Kept { article: name, quantity });
        }
        Ok(shelf.cents * u64::from(quantity))
    }

    /// Gives back what is kept for the order; how many came back.
    #[must_use]
    pub fn release(&self, order_id: &str) -> u32 {
        let mut contents = self.lock();
        let Some(Kept { article, quantity }) = contents.kept.remove(order_id) else { return 0 };
        if let Some(shelf) = contents.articles.get(article) {
            shelf.available.send_modify(|available| *available += quantity);
        }
        quantity
    }

    /// How many there are, now and from now on.
    ///
    /// # Errors
    /// [`StockError::NoSuchArticle`].
    pub fn watch(&self, article: &str) -> Result<watch::Receiver<u32>, StockError> {
        let contents = self.lock();
        let shelf = contents.articles.get(article).ok_or_else(|| StockError::NoSuchArticle(article.to_owned()))?;
        Ok(shelf.available.subscribe())
    }
}

/// The shelves of the example: enough of most things, and a unicorn that nobody has ever had.
#[provider]
pub(crate) async fn shelves() -> Shelves {
    Shelves::with([("book", 990, 1_000_000), ("lamp", 4_550, 1_000_000), ("chair", 8_900, 1_000_000), ("unicorn", 99_999_900, 0)])
}
