//! Files and folders that belong to their account alone.
//!
//! Place in the flow: wherever the store makes one. Invariant: 0600 and 0700 where rights are bits;
//! elsewhere the folder's own rights hold.

use std::fs::{DirBuilder, OpenOptions};

/// A file that others may not read.
#[cfg(unix)]
pub(super) fn file(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

/// A file with the rights of its folder.
#[cfg(not(unix))]
pub(super) fn file(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// A folder that others may not enter.
#[cfg(unix)]
pub(super) fn folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    use std::os::unix::fs::DirBuilderExt as _;
    builder.mode(0o700)
}

/// A folder with the rights of the one above.
#[cfg(not(unix))]
pub(super) fn folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder
}
