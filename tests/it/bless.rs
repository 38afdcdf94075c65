//! Committed files that are made by the program: compared, or rewritten with `OTKLIK_BLESS=1`.

/// Fails if the file (from the root of the repository) is not `made`; blesses it if asked to.
pub fn held(name: &str, made: &str) {
    let file = crate::root().join(name);
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    if committed == made {
        return;
    }
    if std::env::var_os("OTKLIK_BLESS").is_some() {
        std::fs::write(&file, made).expect("the file can be written");
        return;
    }
    let differs = committed.lines().zip(made.lines()).position(|(a, b)| a != b);
    panic!("{name} is not current (line {differs:?}): OTKLIK_BLESS=1 cargo test --test it");
}
