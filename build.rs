//! Lists the packs and the shipped configuration, so that the binary carries them.
//!
//! Place in the flow: before the build; `src/config/shipped.rs` includes what is written here.
//! Invariant: adding a pack needs no edit of any list.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let mut files = Vec::new();
    for folder in ["config", "keywords"] {
        let path = Path::new(&root).join(folder);
        if path.is_dir() {
            println!("cargo::rerun-if-changed={folder}");
            list(&path, folder, &mut files)?;
        }
    }
    files.sort();
    let mut code = String::from(
        "/// Path in the repository and text of each shipped file, in order of the paths.\n\
         pub static SHIPPED: &[(&str, &str)] = &[\n",
    );
    for file in &files {
        writeln!(
            code,
            "    ({file:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{file}\"))),"
        )
        .map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("shipped.rs"), code)
}

/// Files of one folder that are shipped; overlays of a customer are not.
fn list(path: &Path, name: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let own = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            if own != "local" {
                list(&entry.path(), &format!("{name}/{own}"), files)?;
            }
        } else if own.ends_with(".toml") || own == "README.md" {
            files.push(format!("{name}/{own}"));
        }
    }
    Ok(())
}
