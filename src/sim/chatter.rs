//! Ordinary village life: greetings, advertisements, thanks, questions, officials' posts, traps.
//!
//! Place in the flow: the second part of a story, written around the planted problems. Invariant:
//! nothing here is a problem that somebody should be told about; several texts are made to look
//! like one.

use jiff::ToSpan;

use super::words::{ADVERTISEMENTS, NEWS, OFFICIAL, OPENINGS, REGION, REPLIES, TALK, TRAPS};
use super::{Rng, SimAuthor, Story};

/// Texts dealt like cards: none comes again before all have come.
struct Deck {
    texts: &'static [&'static str],
    left: Vec<usize>,
}

impl Deck {
    fn new(texts: &'static [&'static str]) -> Self {
        Self { texts, left: Vec::new() }
    }

    fn deal(&mut self, rng: &mut Rng) -> String {
        if self.left.is_empty() {
            self.left = (0..self.texts.len()).collect();
        }
        let card = self.left.swap_remove(rng.below(self.left.len()));
        vary(self.texts[card], rng)
    }
}

/// Chooses one of the words of each `[a|b|c]`.
fn vary(text: &str, rng: &mut Rng) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        let (choices, after) = behind.split_once(']').unwrap_or((behind, ""));
        let choices: Vec<&str> = choices.split('|').collect();
        out.push_str(before);
        out.push_str(rng.pick(&choices));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What residents write, by kind.
struct Decks {
    talk: Deck,
    advertisements: Deck,
    traps: Deck,
    replies: Deck,
}

/// Fills the story with ordinary life.
pub fn chat(story: &mut Story, rng: &mut Rng) {
    let days = (story.end.as_second() - story.start.as_second()) / 86_400;
    let mut resident = 20_000;
    let mut decks = Decks {
        talk: Deck::new(TALK),
        advertisements: Deck::new(ADVERTISEMENTS),
        traps: Deck::new(TRAPS),
        replies: Deck::new(REPLIES),
    };
    let mut pages = [
        ("vk-official", Deck::new(OFFICIAL), 0.7),
        ("tg-rayon", Deck::new(NEWS), 0.9),
        ("tg-region", Deck::new(REGION), 1.0),
        ("tg-region", Deck::new(REGION), 0.6),
        ("rss-gazeta", Deck::new(NEWS), 0.6),
    ];
    for day in 0..days {
        for page in ["vk-zaigraevo", "vk-onohoy", "vk-bryan", "vk-ilka", "vk-rayon"] {
            for _ in 0..2 + rng.below(4) {
                talk(story, rng, &mut decks, &mut resident, page, day);
            }
        }
        for (page, deck, chance) in &mut pages {
            if rng.chance(*chance) {
                let at = story.local(day, awake_hour(rng));
                let text = deck.deal(rng);
                story.say(page, at, SimAuthor::Page, text);
            }
        }
    }
}

/// One post of a resident, with some replies.
fn talk(
    story: &mut Story,
    rng: &mut Rng,
    decks: &mut Decks,
    resident: &mut u32,
    page: &str,
    day: i64,
) {
    let deck = match rng.unit() {
        kind if kind < 0.62 => &mut decks.talk,
        kind if kind < 0.9 => &mut decks.advertisements,
        _ => &mut decks.traps,
    };
    let text = format!("{}{}", rng.pick(OPENINGS), deck.deal(rng));
    let at = story.local(day, awake_hour(rng));
    *resident += 1;
    let post = story.say(page, at, SimAuthor::Resident(*resident), text);
    for _ in 0..rng.below(4) {
        *resident += 1;
        let after = at + i64::try_from(3 + rng.below(400)).unwrap_or(3).minutes();
        let text = decks.replies.deal(rng);
        story.reply(post, after, SimAuthor::Resident(*resident), text);
    }
}

/// Most people write between breakfast and bedtime, more in the evening.
fn awake_hour(rng: &mut Rng) -> f64 {
    let first = 7.0 + 16.0 * rng.unit();
    let second = 7.0 + 16.0 * rng.unit();
    if rng.chance(0.6) { first.max(second) } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deck_deals_every_text_before_one_comes_again() {
        const TEXTS: &[&str] = &["a", "b", "c"];
        let mut deck = Deck::new(TEXTS);
        let mut rng = Rng::new(1);
        for _ in 0..5 {
            let mut round: Vec<String> = (0..3).map(|_| deck.deal(&mut rng)).collect();
            round.sort();
            assert_eq!(round, TEXTS);
        }
    }

    #[test]
    fn every_choice_is_made() {
        let mut rng = Rng::new(1);
        let texts = [OPENINGS, TALK, ADVERTISEMENTS, TRAPS, OFFICIAL, NEWS, REGION, REPLIES];
        for text in texts.concat() {
            let varied = vary(text, &mut rng);
            assert!(!varied.contains(['[', '|', ']']), "{text}: {varied}");
        }
        assert!(["x1", "x2"].contains(&vary("x[1|2]", &mut rng).as_str()));
    }
}
