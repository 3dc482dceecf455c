//! The books.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use comms::{delete, get, patch, post, provider, put, service};

use crate::types::{Book, BookId, Change, Counts, Genre, NewBook, NoSuchBook, Page};

#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<BTreeMap<BookId, Book>>>);

impl Shelf {
    fn with<R>(&self, work: impl FnOnce(&mut BTreeMap<BookId, Book>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn has(&self, id: BookId) -> bool {
        self.with(|books| books.contains_key(&id))
    }
}

#[provider]
pub(crate) async fn shelf() -> Shelf {
    Shelf::default()
}

/// The books of the library.
#[service(name = "books", version = "1.4.0")]
pub(crate) struct Books {
    shelf: Shelf,
}

#[service]
impl Books {
    /// Finds books.
    ///
    /// In the order of their numbers.
    #[get("/books")]
    async fn list(&self, genre: Option<Genre>, after: Option<u64>, only: Vec<u32>, limit: Option<u8>) -> Page<Book> {
        let (after, limit) = (after.unwrap_or(0), usize::from(limit.unwrap_or(10)));
        let fits = |book: &&Book| genre.is_none_or(|genre| genre == book.genre) && (only.is_empty() || only.contains(&book.id.0));
        let later = |book: &&Book| u64::from(book.id.0) >= after;
        let mut items: Vec<Book> = self.shelf.with(|books| books.values().filter(fits).filter(later).take(limit + 1).cloned().collect());
        let next = items.get(limit).map(|book| u64::from(book.id.0));
        items.truncate(limit);
        Page { items, next }
    }

    /// Adds a book.
    #[post("/books", status = 201, limit(body = "16KiB"))]
    async fn add(&self, book: NewBook, #[header("x-desk")] desk: Option<u16>) -> Book {
        let _ = desk;
        self.shelf.with(|books| {
            let id = BookId(books.last_key_value().map_or(1, |(id, _)| id.0.wrapping_add(1)));
            put_book(books, id, book)
        })
    }

    /// Finds a book.
    #[get("/books/{id}")]
    async fn find(&self, id: BookId) -> Result<Book, NoSuchBook> {
        self.shelf.with(|books| books.get(&id).cloned()).ok_or(NoSuchBook(id))
    }

    /// Puts a book in a place of its own.
    #[put("/books/{id}", timeout = "5s")]
    async fn replace(&self, id: BookId, book: NewBook) -> Book {
        self.shelf.with(|books| put_book(books, id, book))
    }

    /// Changes what is there of a book. Without a change it stays as it is.
    #[patch("/books/{id}")]
    async fn change(&self, id: BookId, change: Option<Change>) -> Result<Book, NoSuchBook> {
        self.shelf.with(|books| {
            let book = books.get_mut(&id).ok_or(NoSuchBook(id))?;
            if let Some(Change { title, genre }) = change {
                book.title = title.unwrap_or_else(|| book.title.clone());
                book.genre = genre.unwrap_or(book.genre);
            }
            Ok(book.clone())
        })
    }

    /// Takes a book away, if it is there.
    #[delete("/books/{id}")]
    async fn remove(&self, id: BookId, #[query] reason: Option<String>) {
        let _ = reason;
        self.shelf.with(|books| books.remove(&id));
    }

    #[get("/counts")]
    async fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.shelf.with(|books| books.values().for_each(|book| *counts.0.entry(format!("{:?}", book.genre)).or_default() += 1));
        counts
    }
}

fn put_book(books: &mut BTreeMap<BookId, Book>, id: BookId, book: NewBook) -> Book {
    let NewBook { title, genre, authors, pages } = book;
    let book = Book { id, title, genre, authors, pages };
    books.insert(id, book.clone());
    book
}
