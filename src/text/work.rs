//! Counts the looks ahead and back that a text can make costly.
//!
//! Place in the flow: `tokens` and `repair` count each character that they look at beside the one
//! they read. Invariant: outside of tests nothing is counted, and nothing is left of the calls.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// One character was looked at once more.
#[inline]
pub(super) fn step() {
    #[cfg(test)]
    STEPS.set(STEPS.get() + 1);
}

/// How many steps `work` takes.
#[cfg(test)]
pub(super) fn steps(work: impl FnOnce()) -> usize {
    let before = STEPS.get();
    work();
    STEPS.get() - before
}
