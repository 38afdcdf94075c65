//! A whole look, page after page, and what it gave.

use otklik_collectors::{CollectError, Coverage, Cursor, Page, RawPost};

/// What a whole look gave.
#[derive(Default)]
pub struct Looked {
    pub posts: Vec<RawPost>,
    pub gone: Vec<String>,
    pub gone_below: Vec<String>,
    pub comments_closed: u32,
    pub unreadable: u32,
    pub coverage: Coverage,
    pub cursor: Option<Cursor>,
}

impl Looked {
    /// Reads pages until there are no more.
    pub async fn read(
        cursor: Option<Cursor>,
        read: impl AsyncFn(Option<&Cursor>) -> Result<Page, CollectError>,
    ) -> Result<Self, CollectError> {
        let mut looked = Looked { cursor, ..Looked::default() };
        loop {
            let page = read(looked.cursor.as_ref()).await?;
            looked.posts.extend(page.posts);
            looked.gone.extend(page.gone);
            looked.gone_below.extend(page.gone_below);
            looked.comments_closed += page.facts.comments_closed;
            looked.unreadable += page.facts.unreadable;
            looked.coverage.holes.extend(page.facts.coverage.holes);
            looked.cursor = Some(page.cursor);
            if !page.more {
                looked.coverage.read = page.facts.coverage.read;
                return Ok(looked);
            }
            assert!(page.facts.coverage.read.is_none(), "only the last page of a look says it");
        }
    }

    pub fn ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self.posts.iter().map(|post| post.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The last text that was read under an id.
    pub fn text(&self, id: &str) -> Option<&str> {
        let post = self.posts.iter().rev().find(|post| post.id == id);
        post.map(|post| post.text.as_str())
    }
}
