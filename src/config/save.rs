//! Writing a file of the configuration so that nobody ever reads half of it.
//!
//! Place in the flow: `init` and `sources add`. Invariant: after a crash the file is the old one or
//! the new one.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Writes a file that must not be there yet.
pub fn create(file: &Path, text: &str) -> io::Result<()> {
    let mut new = fs::File::create_new(file)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()
}

/// Puts `text` in the place of `file`, keeping its rights. A link is followed.
pub fn replace(file: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = target.with_file_name(name);
    let written = write_beside(&beside, &target, text).and_then(|()| fs::rename(&beside, &target));
    if written.is_err() {
        drop(fs::remove_file(&beside));
    }
    written
}

fn write_beside(beside: &Path, target: &Path, text: &str) -> io::Result<()> {
    let mut new = fs::File::create(beside)?;
    new.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(target) {
        new.set_permissions(old.permissions())?;
    }
    new.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_once_and_replaces_whole() {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = dir.path().join("sources.toml");
        create(&file, "one").expect("created");
        let again = create(&file, "two").expect_err("must not overwrite");
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        replace(&file, "three").expect("replaced");
        assert_eq!(fs::read_to_string(&file).expect("read"), "three");
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 1, "nothing is left beside");
    }
}
