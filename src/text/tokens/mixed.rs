//! Words that mix Cyrillic, other letters and digits: «Oтoплeниe», «п0жар», «12а», «5мин».
//!
//! Place in the flow: `tokens` hands over what it read to the end and found mixed. Invariant: the
//! tokens made of a word cover its bytes in order.

use super::{CAPITAL, CAPS, GLUED, LATIN, NUMBER, REPAIRED, Run, Tokens, push_folded, short};
use crate::text::fold::{self, Kind};
use crate::text::letters;
use crate::text::repair::{Piece, is_apostrophe, repair_digits, repair_letters};

impl Tokens {
    /// Takes apart a word that mixes Cyrillic, other letters and digits: look-alikes are replaced
    /// where the whole makes a word, the rest is cut where the kind of character changes.
    pub(super) fn take_apart(&mut self, text: &str, run: Run, end: usize) {
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.clear();
        for (offset, c) in text[run.start..end].char_indices() {
            let (kind, folded) = match (fold::kind(c), c) {
                (Kind::Other, '@') => (Kind::Cyrillic, 'а'),
                (Kind::Other, c) if is_apostrophe(c) => (Kind::Cyrillic, 'ъ'),
                (Kind::Mark | Kind::Other, _) => continue,
                (kind, c) => (kind, fold::lower(c)),
            };
            let start = short(run.start + offset);
            pieces.push(Piece { original: c, folded, kind, start, end: start });
        }
        for at in 0..pieces.len() {
            pieces[at].end = pieces.get(at + 1).map_or(short(end), |piece| piece.start);
        }
        let mut flags = run.flags;
        if repair_letters(&mut pieces) | repair_digits(&mut pieces) {
            flags |= REPAIRED;
        }
        let mut first = 0;
        while first < pieces.len() {
            let kind = pieces[first].kind;
            let length = pieces[first..].iter().take_while(|piece| piece.kind == kind).count();
            self.add_pieces(&pieces[first..first + length], flags);
            self.joined = GLUED;
            first += length;
        }
        self.joined = 0;
        self.pieces = pieces;
    }

    fn add_pieces(&mut self, pieces: &[Piece], mut flags: u16) {
        let from = self.folded.len();
        let (mut prev, mut same) = ('\0', 0);
        let mut upper = 0;
        for piece in pieces {
            upper += usize::from(fold::is_upper(piece.original));
            push_folded(&mut self.folded, &mut prev, &mut same, piece.folded);
        }
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return };
        match first.kind {
            Kind::Digit => flags = NUMBER,
            Kind::Foreign => flags |= LATIN,
            _ => {}
        }
        if fold::is_upper(first.original) {
            flags |= CAPITAL;
        }
        if upper > 1 && upper == pieces.len() {
            flags |= CAPS;
        }
        let own = (from, self.folded.len());
        let number = letters::number(&self.folded[own.0..own.1]);
        self.add(first.start as usize, last.end as usize, own, flags, number);
    }
}
