//! Latin ids for places that the file gives none.
//!
//! Place in the flow: used once, when the gazetteer is compiled. Invariant: the same name always
//! gives the same id.

use super::compile::folded;

/// An id for a place that the file gives none: its name in Latin letters.
pub(super) fn latin(name: &str) -> String {
    const TABLE: &[(&str, &str)] = &[
        ("щ", "sch"),
        ("ж", "zh"),
        ("х", "h"),
        ("ц", "ts"),
        ("ч", "ch"),
        ("ш", "sh"),
        ("ю", "yu"),
        ("я", "ya"),
        ("а", "a"),
        ("б", "b"),
        ("в", "v"),
        ("г", "g"),
        ("д", "d"),
        ("е", "e"),
        ("з", "z"),
        ("и", "i"),
        ("й", "y"),
        ("к", "k"),
        ("л", "l"),
        ("м", "m"),
        ("н", "n"),
        ("о", "o"),
        ("п", "p"),
        ("р", "r"),
        ("с", "s"),
        ("т", "t"),
        ("у", "u"),
        ("ф", "f"),
        ("ъ", ""),
        ("ы", "y"),
        ("ь", ""),
        ("э", "e"),
        (" ", "_"),
        ("-", "_"),
    ];
    let mut id = folded(name);
    for (russian, latin) in TABLE {
        id = id.replace(russian, latin);
    }
    id
}
