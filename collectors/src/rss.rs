//! TO BE WRITTEN: rss.
