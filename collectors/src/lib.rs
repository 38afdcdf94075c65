//! Reads public pages and hands over posts that carry no people.
//!
//! Place in the flow: the first stage. A [`Collector`] asks one platform for one [`Page`]; inside
//! it the [`door`] turns author ids into seeds and masks texts, so nothing behind this crate can
//! see a person.
//!
//! Invariants: this crate never touches the store (it cannot: it does not depend on it), never
//! decides what matters, and never lets a wire struct, a name or an author id leave a platform's
//! folder.

pub mod door;
pub mod error;
pub mod http;
pub mod listen;
pub mod max;
pub mod ok;
pub mod play;
pub mod raw;
pub mod registry;
pub mod rss;
pub mod telegram;
pub mod vk;

mod hash;
mod markup;
mod ports;
mod status;

pub use error::{Class, CollectError, Reach, Scope};
pub use ports::{Budget, Busy, Call, Clock, KnownRoom, MonthKeys, Ports, SessionStore, Transport};
pub use raw::{
    Author, Counts, Coverage, Cursor, Facts, Hole, HoleCause, Page, Platform, RawKind, RawPost,
    SourceKind, SourceSpec, Spoilt,
};

use async_trait::async_trait;
use jiff::Timestamp;

/// How often (seconds) it is asked whether a page is still open to everybody: what was admitted
/// once may be closed later, and be shown to our keys all the same.
const ADMIT_SECS: i64 = 24 * 3_600;

/// One platform's reader.
///
/// A look at a source is a chain of pages: the caller passes the cursor of the page before, stores
/// what it got together with the new cursor in one transaction, and goes on while `page.more` is
/// true. A cursor is valid for ever: a look broken off by a crash goes on from the last stored
/// page.
#[async_trait]
pub trait Collector: Send + Sync {
    /// Which platform this reads.
    fn platform(&self) -> Platform;

    /// Reads one page of one source.
    ///
    /// `cursor` is what the page before returned, `None` for a source never read. `horizon` is the
    /// instant before which nothing is wanted (the source's backfill at first, the re-scan window
    /// later). An error moves nothing: the caller keeps the old cursor.
    async fn page(
        &self,
        source: &SourceSpec,
        cursor: Option<&Cursor>,
        horizon: Timestamp,
    ) -> Result<Page, CollectError>;

    /// Whether the look that `cursor` came from was broken off before its end: the next page goes
    /// on with it, and what appeared since it began may not be in it.
    fn under_way(&self, source: &SourceSpec, cursor: &Cursor) -> bool;

    /// Proves with one harmless call that the platform can be read (token, rights), for `check
    /// --online`. Returns one Russian sentence about what was proven.
    async fn prove(&self) -> Result<String, CollectError>;

    /// What the token may do with one source, right by right, for `check --online`: one Russian
    /// sentence each. Empty where reading the first page says all.
    async fn rights(&self, _source: &SourceSpec) -> Vec<Result<String, CollectError>> {
        Vec::new()
    }
}
