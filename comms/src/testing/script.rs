//! Answers that are said beforehand, and calls that are remembered.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one method of a fake answers, and what it was called with. Clones share both.
///
/// ```
/// # async fn test() {
/// use comms::testing::Script;
/// let find = Script::<u64, Option<&str>>::new("OrdersFake", "find");
/// find.answers(Some("book")).answers(None);
/// assert_eq!(find.call(7).await, Some("book"));
/// assert_eq!(find.call(8).await, None);
/// assert_eq!(find.calls().iter().map(|id| **id).collect::<Vec<_>>(), [7, 8]);
/// # }
/// ```
pub struct Script<Args, Answer> {
    fake: &'static str,
    method: &'static str,
    state: Arc<Mutex<State<Args, Answer>>>,
}

struct State<Args, Answer> {
    calls: Vec<Arc<Args>>,
    next: VecDeque<Step<Answer>>,
    always: Option<Always<Args, Answer>>,
}

type Always<Args, Answer> = Arc<dyn Fn(&Args) -> Answer + Send + Sync>;

enum Step<Answer> {
    Answer(Answer),
    Never,
}

impl<Args, Answer> Script<Args, Answer> {
    /// Of the method of the fake, in which nothing is said yet.
    #[must_use]
    pub fn new(fake: &'static str, method: &'static str) -> Self {
        let state = State { calls: Vec::new(), next: VecDeque::new(), always: None };
        Self { fake, method, state: Arc::new(Mutex::new(state)) }
    }

    /// The next call that nothing was said for gets this answer.
    pub fn answers(&self, answer: Answer) -> &Self {
        self.then(Step::Answer(answer))
    }

    /// The next call that nothing was said for gets no answer, however long it waits.
    pub fn never_answers(&self) -> &Self {
        self.then(Step::Never)
    }

    /// Calls that nothing else is said for get what this makes of their arguments.
    pub fn always(&self, answer: impl Fn(&Args) -> Answer + Send + Sync + 'static) -> &Self {
        self.lock().always = Some(Arc::new(answer));
        self
    }

    /// What it was called with, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Arc<Args>> {
        self.lock().calls.clone()
    }

    /// A call: what fakes make of their methods.
    ///
    /// # Panics
    /// When nothing was said for it.
    pub async fn call(&self, args: Args) -> Answer {
        let args = Arc::new(args);
        let (step, always) = {
            let mut state = self.lock();
            state.calls.push(Arc::clone(&args));
            (state.next.pop_front(), state.always.clone())
        };
        match (step, always) {
            (Some(Step::Answer(answer)), _) => answer,
            (Some(Step::Never), _) => std::future::pending().await,
            (None, Some(always)) => always(&args),
            (None, None) => self.unscripted(),
        }
    }

    fn unscripted(&self) -> ! {
        let Self { fake, method, .. } = self;
        panic!(
            "`{method}` of `{fake}` was called, and nothing is said of what it answers: say `.{method}().answers(..)` or `.always(..)` before"
        )
    }

    fn then(&self, step: Step<Answer>) -> &Self {
        self.lock().next.push_back(step);
        self
    }

    fn lock(&self) -> MutexGuard<'_, State<Args, Answer>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Args, Answer> Clone for Script<Args, Answer> {
    fn clone(&self) -> Self {
        Self { fake: self.fake, method: self.method, state: Arc::clone(&self.state) }
    }
}

impl<Args, Answer> fmt::Debug for Script<Args, Answer> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let (calls, said) = (state.calls.len(), state.next.len());
        write!(f, "Script({}::{}: {calls} calls, {said} further answers)", self.fake, self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_come_in_order_and_then_always() {
        let script = Script::<u8, u8>::new("Fake", "twice");
        script.always(|number| number * 2).answers(100);
        assert_eq!((script.call(1).await, script.call(2).await, script.clone().call(3).await), (100, 4, 6));
        assert_eq!(script.calls().len(), 3);
    }

    #[tokio::test]
    #[should_panic(expected = "`find` of `OrdersFake` was called, and nothing is said")]
    async fn a_call_that_nothing_is_said_for_names_its_method() {
        Script::<(), ()>::new("OrdersFake", "find").call(()).await;
    }
}
