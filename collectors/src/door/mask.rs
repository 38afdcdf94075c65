//! Masks people in a text and keeps the way back to the original.
//!
//! Place in the flow: the one maker of [`Masked`]. Invariants: masking a masked text changes
//! nothing; outside the masks every byte of the original stands unchanged; time grows with the
//! text, not its square.

use std::ops::Range;

use super::cues::Cues;
use super::handles::Handles;
use super::tokens::{Found, Kind, Text};
use super::{flats, links, names, numbers};

/// How often the rules look again: a mask can end what hid the next place from a rule.
const ROUNDS_MAX: usize = 6;

/// A text in which people are masked, with the places that were masked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Masked {
    text: String,
    masks: Vec<Mask>,
}

/// One masked place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Bytes in the masked text.
    pub masked: Range<usize>,
    /// Bytes in the original text.
    pub original: Range<usize>,
}

impl Masked {
    /// The text with people masked.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What was masked, in text order, without overlaps.
    #[must_use]
    pub fn masks(&self) -> &[Mask] {
        &self.masks
    }

    /// Takes the text out.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    /// The bytes of the original text that `range` of the masked text stands for. A range that
    /// touches a mask widens to the whole place masked there; one beyond the end is cut to the
    /// text.
    #[must_use]
    pub fn original_range(&self, range: Range<usize>) -> Range<usize> {
        let start = range.start.min(self.text.len());
        let end = range.end.clamp(start, self.text.len());
        let before = self.masks.partition_point(|mask| mask.masked.start <= start);
        let from = match before.checked_sub(1).map(|i| &self.masks[i]) {
            Some(mask) if start < mask.masked.end => mask.original.start,
            Some(mask) => mask.original.end + (start - mask.masked.end),
            None => start,
        };
        let before = self.masks.partition_point(|mask| mask.masked.start < end);
        let to = match before.checked_sub(1).map(|i| &self.masks[i]) {
            Some(mask) if end <= mask.masked.end => mask.original.end,
            Some(mask) => mask.original.end + (end - mask.masked.end),
            None => end,
        };
        from..to
    }
}

/// Masks `original`; what belongs to `handles` stays readable.
pub(super) fn mask(original: &str, handles: &Handles) -> Masked {
    mask_by(original, handles, Cues::of(original))
}

/// [`mask`] by the rules that `cues` call for.
fn mask_by(original: &str, handles: &Handles, cues: Cues) -> Masked {
    if cues.is_empty() {
        return Masked { text: original.to_owned(), masks: Vec::new() };
    }
    let mut text = Text::new(original);
    let own: Vec<usize> = places(&text).map(|token| token.start).collect();
    for _ in 0..ROUNDS_MAX {
        if !round(&mut text, handles, cues) {
            break;
        }
    }
    let (mut out, mut masks) = (String::with_capacity(original.len()), Vec::new());
    let mut at = 0;
    for token in places(&text) {
        let Kind::Masked(what) = token.kind else { continue };
        if own.binary_search(&token.start).is_ok() {
            // It stood in the text already.
            continue;
        }
        out.push_str(&original[at..token.start]);
        let start = out.len();
        out.push_str(what.word());
        masks.push(Mask { masked: start..out.len(), original: token.start..token.end });
        at = token.end;
    }
    out.push_str(&original[at..]);
    Masked { text: out, masks }
}

fn places<'t>(text: &'t Text<'_>) -> impl Iterator<Item = &'t super::tokens::Token> {
    text.tokens.iter().filter(|token| matches!(token.kind, Kind::Masked(_)))
}

/// Applies every rule that `cues` call for once, in the order in which they may hide people from
/// one another.
fn round(text: &mut Text<'_>, handles: &Handles, cues: Cues) -> bool {
    let before = text.tokens.len();
    let count = places(text).count();
    let mut apply = |cue: Cues, rule: &dyn Fn(&Text<'_>) -> Vec<Found>| {
        if cues.has(cue) {
            let found = rule(text);
            text.replace(&found);
        }
    };
    apply(Cues::MENTION, &|text| links::mentions(text, handles));
    apply(Cues::HOST, &links::mails);
    apply(Cues::HOST, &|text| links::links(text, handles));
    apply(Cues::ACCOUNT, &|text| links::accounts(text, handles));
    apply(Cues::DIGIT, &numbers::find);
    apply(Cues::DIGIT, &flats::find);
    apply(Cues::NAME, &names::find);
    before != text.tokens.len() || count != places(text).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces that rules look at, joined in any order; names and numbers are made up.
    const PIECES: &str = "вода нет Света света иван Иван Петров петрова Ивановна ивановича Выдумов \
        И А и в Ц-Д г с т.е. И. и. и.и. Анна-Мария Пустовалов улица им. ул. д. дом кв квартира \
        Основной кирпич 5 12 3-22 89991234567 8 999 123-45-67 +7 (999) 4276 паспорт 8106 123456 \
        А123ВС03 id100001 [id5|Ирина] [имя] [ @id5 (Ира) @кто @primer vk.com/primer пример.рф \
        https://a.b/c ftp:// почта a@b.ru собака тг: primer_1 тг wifi Smith J. пeтров Пётр ё \
        . , ! ? : - — … « » \" ( ) / * № 😡 ❤\u{fe0f} а\u{301} \u{ad} \u{200b} \u{a0} і ß ² ５";

    proptest! {
        #[test]
        fn a_rule_without_its_cue_finds_nothing(
            picks in prop::collection::vec((0..1_000_usize, 0..8_usize), 0..24)
        ) {
            let pieces: Vec<&str> = PIECES.split(' ').filter(|piece| !piece.is_empty()).collect();
            let mut text = String::new();
            for (piece, gap) in picks {
                text.push_str(pieces[piece % pieces.len()]);
                text.push_str(["", "\n", ", ", ". ", " ", " ", " ", " "][gap]);
            }
            let handles = Handles::new(["primer".to_owned()]);
            prop_assert_eq!(mask(&text, &handles), mask_by(&text, &handles, Cues::ALL), "{}", text);
        }

        #[test]
        fn of_any_text_too(text in "[а-яА-ЯёЁіa-zA-Z0-9 .,@:/*+()\\[\\]|№«»—\u{ad}\u{301}-]{0,60}") {
            let handles = Handles::default();
            prop_assert_eq!(mask(&text, &handles), mask_by(&text, &handles, Cues::ALL), "{}", text);
        }
    }
}
