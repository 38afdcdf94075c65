//! Small lexicons for the tests of the engine.

use otklik::classify::{Gazetteer, Lexicon, Scratch, classify};
use otklik::config::packs::PackFile;
use otklik::model::Match;

/// A pack `probe` with one rule `it`, and a rule that makes its examples hold.
pub fn probe(find: &str, unless: &str) -> Lexicon {
    let unless = if unless.is_empty() { String::new() } else { format!("unless = '''{unless}'''") };
    let text = format!(
        "id = \"probe\"\ntitle = \"Проба\"\nkind = \"problem\"\nseverity = 3\n\
         [[rule]]\nid = \"it\"\nfind = '''{find}'''\n{unless}\nweight = 60\n\
         [[rule]]\nid = \"example\"\nfind = 'зюзябра'\nweight = 10\n{EXAMPLES}"
    );
    compile(&[("probe", &text)])
}

/// Examples that hold for every pack with a rule `зюзябра`, and no sensible rule matches otherwise.
pub const EXAMPLES: &str = "[[example]]\ntext = \"зюзябра\"\nis = true\n\
     [[example]]\ntext = \"зюзябра зюзябра\"\nis = true\n\
     [[example]]\ntext = \"…\"\nis = false\n[[example]]\ntext = \"—\"\nis = false\n";

/// Compiles packs given as name and content.
pub fn compile(packs: &[(&str, &str)]) -> Lexicon {
    let files = packs
        .iter()
        .map(|(name, text)| PackFile::new(format!("keywords/{name}.toml"), *text))
        .collect();
    match Lexicon::compile(files, Gazetteer::empty()) {
        Ok(lexicon) => lexicon,
        Err(faults) => {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            panic!("{}", lines.join("\n"));
        }
    }
}

/// The matches of rule `it` in `text`.
pub fn matches(lexicon: &Lexicon, text: &str) -> Vec<Match> {
    let found = classify(text, lexicon, &mut Scratch::new());
    found
        .findings
        .into_iter()
        .flat_map(|finding| finding.matches)
        .filter(|found| found.rule == "probe:it")
        .collect()
}
