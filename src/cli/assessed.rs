//! An assessed text as a JSON line (DESIGN 6.2), for `classify` and `export`.
//!
//! Place in the flow: the outermost edge. Invariants: topics best first, attitude behind all others
//! and only where the text was just given; spans are code points of the text that the reader has.

use otklik_collectors::door::{Door, Masked};
use serde::Serialize;

use crate::classify::resolve::{Surroundings, resolve};
use crate::classify::{Scratch, classify};
use crate::model::{
    Attitude, Finding, Language, Match, PlaceFinding, PostKey, Risk, Span, TopicId, TopicKind,
};
use crate::pipeline::assess;
use crate::pipeline::district::District;

use super::line::PostLine;

/// A topic as it is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicLine {
    /// Topic.
    pub topic: TopicId,
    /// 0–100.
    pub score: u8,
    /// `problem`, `danger`, `rumour` or `attitude`.
    pub kind: &'static str,
    /// Matched rules.
    pub matches: Vec<Match>,
}

/// What is said about one text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssessedLine {
    /// Id of the line.
    pub id: String,
    /// Language.
    pub language: Language,
    /// Topics, best first.
    pub topics: Vec<TopicLine>,
    /// Places.
    pub places: Vec<PlaceFinding>,
    /// Risk.
    pub risk: Risk,
    /// How many places the door masked.
    pub masked: u32,
    /// The object of each topic, if the text names one.
    #[serde(skip)]
    pub objects: assess::Objects,
}

impl From<Finding> for TopicLine {
    fn from(finding: Finding) -> Self {
        let kind = match finding.kind {
            TopicKind::Problem => "problem",
            TopicKind::Danger => "danger",
            TopicKind::Rumour => "rumour",
        };
        Self { topic: finding.topic, score: finding.score, kind, matches: finding.matches }
    }
}

impl From<Attitude> for TopicLine {
    fn from(attitude: Attitude) -> Self {
        let Attitude { pack, score, matches } = attitude;
        Self { topic: pack, score, kind: "attitude", matches }
    }
}

/// Assesses a line that was just given; only what the line itself supports.
pub fn assess_line(
    line: &PostLine,
    district: &District,
    door: &Door,
    now: jiff::Timestamp,
    scratch: &mut Scratch,
) -> AssessedLine {
    let masked = door.mask(&line.text);
    let classified = classify(masked.as_str(), &district.lexicon, scratch);
    let places = given_place(line, district, classified.places.clone());
    let post = bare_post(line, &masked, now);
    let risk = assess::score(district, &post, &classified, &places);
    let objects = assess::objects(&classified);
    let back = Back::new(&line.text, &masked);
    let topics = classified
        .findings
        .into_iter()
        .map(TopicLine::from)
        .chain(classified.attitude.into_iter().map(TopicLine::from))
        .map(|topic| back.topic(topic))
        .collect();
    AssessedLine {
        id: line.id.clone(),
        language: classified.language,
        topics,
        places: places.into_iter().map(|place| back.place(place)).collect(),
        risk,
        masked: u32::try_from(masked.masks().len()).unwrap_or(u32::MAX),
        objects,
    }
}

/// Adds the place that came with the line if the text names none.
fn given_place(
    line: &PostLine,
    district: &District,
    places: Vec<PlaceFinding>,
) -> Vec<PlaceFinding> {
    let gazetteer = district.lexicon.gazetteer();
    let given = line
        .place
        .as_deref()
        .and_then(|name| gazetteer.by_name(name))
        .and_then(|id| gazetteer.title(id).map(|title| (id.clone(), title.to_owned())));
    resolve(&places, &Surroundings { given, ..Surroundings::default() })
}

fn bare_post(line: &PostLine, masked: &Masked, now: jiff::Timestamp) -> crate::model::Post {
    crate::model::Post {
        key: PostKey { source: "import".into(), id: line.id.as_str().into() },
        platform: String::new(),
        kind: crate::model::PostKind::Post,
        parent: None,
        text: masked.as_str().to_owned(),
        masked: 0,
        published: line.published.unwrap_or(now),
        edited: None,
        official: line.official,
        own_name: false,
        repost: false,
        url: None,
        counts: crate::model::Counts::default(),
        place: None,
    }
}

/// From spans in the masked text back to spans in the text as it was given.
struct Back<'a> {
    original: &'a str,
    masked: Option<&'a Masked>,
}

impl<'a> Back<'a> {
    fn new(original: &'a str, masked: &'a Masked) -> Self {
        Self { original, masked: (!masked.masks().is_empty()).then_some(masked) }
    }

    fn span(&self, span: Span) -> Span {
        let Some(masked) = self.masked else { return span };
        let byte = |point: u32| {
            let at = masked.as_str().char_indices().nth(point as usize);
            at.map_or(masked.as_str().len(), |(byte, _)| byte)
        };
        let range = masked.original_range(byte(span.start)..byte(span.end));
        let point = |byte: usize| {
            let before = self.original.get(..byte).unwrap_or(self.original);
            u32::try_from(before.chars().count()).unwrap_or(u32::MAX)
        };
        Span { start: point(range.start), end: point(range.end) }
    }

    fn topic(&self, mut topic: TopicLine) -> TopicLine {
        if self.masked.is_some() {
            for found in &mut topic.matches {
                found.span = self.span(found.span);
                let length = (found.span.end - found.span.start) as usize;
                found.text =
                    self.original.chars().skip(found.span.start as usize).take(length).collect();
            }
        }
        topic
    }

    fn place(&self, mut place: PlaceFinding) -> PlaceFinding {
        place.span = place.span.map(|span| self.span(span));
        if let (Some(start), Some(end)) = (place.street_start, place.street_end) {
            let span = self.span(Span { start, end });
            (place.street_start, place.street_end) = (Some(span.start), Some(span.end));
        }
        place
    }
}
