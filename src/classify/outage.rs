//! Planned outages out of official notices: of what, from when, until when.
//!
//! Place in the flow: asked for posts of bodies when they are grouped; places come from the
//! gazetteer as for any text. Invariants: the published time alone says what «завтра» and a date
//! without year mean; what is over, has no time or is no announcement gives nothing. A wrong
//! reading costs a person one «нет», so doubtful texts are read, not guessed at length.

use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};
use regex::{Captures, Regex};

/// Longest outage that one notice is believed, in days.
const DAYS_MAX: i32 = 7;
/// A date without year so long past means next year.
const PAST_DAYS: i32 = 60;

/// An announced outage, in the district's civil time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// Id of the topic of the complaints to be expected.
    pub topic: &'static str,
    /// First instant.
    pub from: DateTime,
    /// Announced end.
    pub until: DateTime,
}

/// What is not delivered, by words of the notice. Hot and cold water are one topic.
const RESOURCES: [(&str, &str); 4] = [
    (
        "electricity",
        r"электро(?:энерги|снабжен|сет)|электричеств|обесточ|снят\w+ напряжени|\bсвет[аеу]?\b",
    ),
    ("water", r"водоснабжен|(?:холодн|горяч|питьев)\w+ вод|\b[хг]вс\b|\bвод[аыуе]\b"),
    ("heating", r"теплоснабжен|отоплени|теплоносител"),
    ("gas", r"газоснабжен|\bгаз(?:а|у|ом)?\b"),
];

/// That something will not be delivered.
const ANNOUNCES: &str = concat!(
    r"отключ|прекращ|приостан|перерыв|ограничен|обесточ|не будет|",
    r"без (?:света|воды|тепла|отоплен|электр|газа)|ремонтн\w+ работ|",
    r"(?:планов|профилактическ)\w+ работ",
);
/// That it is over, or was not planned.
const OVER: &str = concat!(
    r"восстановлен[аоы]?\b|возобновлен[аоы]?\b|устранен[аоы]?\b|включен[аоы]?\b|",
    r"завершен[аоы]?\b|аварийн\w+ отключ|отмен(?:ен|яет)",
);

static TOPICS: LazyLock<Vec<(&'static str, Option<Regex>)>> =
    LazyLock::new(|| RESOURCES.iter().map(|(id, words)| (*id, Regex::new(words).ok())).collect());
static ANNOUNCED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ANNOUNCES).ok());
static ENDED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(OVER).ok());

const MONTHS: [&str; 12] =
    ["янв", "фев", "мар", "апр", "ма[яй]", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"];

/// Days: «14 марта», «14-15 марта 2026 года», «с 14 по 15 марта», «14.03», «14.03.2026», «завтра».
static DAYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let ending = r"(?:-?(?:го|е))?";
    let month = format!("(?P<month>(?:{})[а-я]*)", MONTHS.join("|"));
    let first = format!(r"(?P<first>\b\d{{1,2}}){ending}");
    let last = format!(r"(?:\s*(?:-|по|и)\s*(?P<last>\d{{1,2}}){ending})?");
    let year = r"(?:\s+(?P<year>20\d\d))?(?:\s*(?:года|г\.?))?";
    let day = r"\b(?P<day>\d{1,2})\.(?P<number>0[1-9]|1[0-2])(?:\.(?P<long>20\d\d|\d\d))?";
    let behind = r"(?:\s*(?:года|г\.))?(?:[^\d:.]|$)";
    let word = r"\b(?P<word>послезавтра|завтра|сегодня)\b";
    Regex::new(&format!(r"{first}{last}\s+{month}{year}|{day}{behind}|{word}")).ok()
});

/// A time of the day: «10:00», «10.00», «10-00», «9 часов», «9 ч. 30 мин», «9 утра».
const TIME: &str = concat!(
    r"(\d{1,2})(?:\s*[:.\-]\s*(\d{2})\b|\s*(?:часов|часа|час|ч\.?)\s*(\d{2})\s*мин\w*\.?)?",
    r"\s*(?:часов|часа|час|ч\.|ч\b)?\s*(утра|дня|вечера|ночи)?",
);

/// «с 10:00 до 17:00», «с 9 до 17 часов», «10:00–17:00», «с 10:00 до конца дня», «с 22 часов».
static SPANS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let both = format!(r"\bс\s+{TIME}\s*(?:(?:до|по|-)\s*(?:{TIME}|(конца)))?");
    let bare = r"\b(\d{1,2})[:.](\d{2})\s*-\s*(\d{1,2})[:.](\d{2})\b";
    let end = format!(r"\bдо\s+(?:{TIME}|(конца))");
    Regex::new(&format!("(?:{both}|{bare}|{end})")).ok()
});

/// All outages that a notice of this time announces; the same resource on several days is several.
#[must_use]
pub fn outages(text: &str, published: DateTime) -> Vec<Outage> {
    let text = fold(text);
    let is = |rule: &LazyLock<Option<Regex>>| rule.as_ref().is_some_and(|it| it.is_match(&text));
    if !is(&ANNOUNCED) || is(&ENDED) {
        return Vec::new();
    }
    let named = |(id, words): &(&'static str, Option<Regex>)| {
        words.as_ref().is_some_and(|words| words.is_match(&text)).then_some(*id)
    };
    let topics: Vec<&'static str> = TOPICS.iter().filter_map(named).collect();
    let mut found = Vec::new();
    for (from, until) in times(&text, published) {
        let long = from.checked_add(DAYS_MAX.days()).unwrap_or(from) < until;
        if until <= published || until <= from || long {
            continue;
        }
        for topic in &topics {
            let outage = Outage { topic, from, until };
            if !found.contains(&outage) {
                found.push(outage);
            }
        }
    }
    found
}

/// Small letters, one kind of dash and of space.
fn fold(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'ё' => 'е',
            '–' | '—' | '−' | '‑' => '-',
            c if c.is_whitespace() => ' ',
            c => c,
        })
        .collect()
}

/// A day that the text names, with where it stands.
#[derive(Debug, Clone, Copy)]
struct Named {
    at: usize,
    first: Date,
    last: Date,
}

/// First and last instant of everything announced.
fn times(text: &str, published: DateTime) -> Vec<(DateTime, DateTime)> {
    let (days, bare) = days(text, published.date());
    let Some(spans) = SPANS.as_ref() else { return Vec::new() };
    let mut found = Vec::new();
    for caught in spans.captures_iter(&bare) {
        let Some(whole) = caught.get(0) else { continue };
        let Some((from, until)) = span(&caught) else { continue };
        let inside = |day: &&Named| whole.range().contains(&day.at);
        let within: Vec<&Named> = days.iter().filter(inside).collect();
        // A day inside belongs to the time in front of it; else the nearest before, else after.
        let before = days.iter().rev().find(|day| day.at < whole.start());
        let day = within.first().copied().or(before).or(days.first());
        let (first, last) =
            day.map_or((published.date(), published.date()), |day| (day.first, day.last));
        if let [one, other] = within[..] {
            let end = ends(other.first, until);
            found.push((one.first.to_datetime(from.unwrap_or(Time::midnight())), end));
            continue;
        }
        let mut date = first;
        while date <= last && found.len() < 50 {
            let begin = match from {
                Some(from) => date.to_datetime(from),
                // «до 17:00» of today has begun.
                None if date == published.date() => published,
                None => date.to_datetime(Time::midnight()),
            };
            let mut end = ends(date, until);
            if end <= begin {
                end = end.checked_add(1.day()).unwrap_or(end);
            }
            found.push((begin, end));
            date = date.tomorrow().unwrap_or(Date::MAX);
        }
    }
    if found.is_empty() {
        // Days without hours: all day long.
        found.extend(
            days.iter().map(|day| (day.first.to_datetime(Time::midnight()), ends(day.last, None))),
        );
    }
    found
}

/// The end of a day, or a time of it; 24:00 is the end.
fn ends(date: Date, until: Option<Time>) -> DateTime {
    match until {
        Some(time) => date.to_datetime(time),
        None => date.tomorrow().unwrap_or(date).to_datetime(Time::midnight()),
    }
}

/// The times of a span: (first, last); no last = the end of the day. Nothing if they are no times.
fn span(caught: &Captures<'_>) -> Option<(Option<Time>, Option<Time>)> {
    if caught.get(10).is_some() {
        let time = |hour, minute| clock(caught, hour, Some(minute), None);
        return Some((
            Some(time(10, 11)?),
            Some(time(12, 13)?).filter(|it| *it != Time::midnight()),
        ));
    }
    if caught.get(1).is_some() {
        // «с 9 до 17 часов»: a bare number is an hour only beside a second time.
        let told = caught.get(2).or(caught.get(3)).or(caught.get(4)).is_some();
        let second = caught.get(5).is_some() || caught.get(9).is_some();
        let hour = caught.get(0)?.as_str().contains("час");
        if !told && !second && !hour {
            return None;
        }
        let from = clock_of(caught, 1)?;
        let until = match caught.get(5) {
            Some(_) => Some(clock_of(caught, 5)?).filter(|until| *until != Time::midnight()),
            None => None,
        };
        return Some((Some(from), until));
    }
    if caught.get(18).is_some() {
        return Some((None, None));
    }
    let marked = caught.get(15).or(caught.get(16)).or(caught.get(17)).is_some();
    let hour = caught.get(0)?.as_str().contains('ч');
    (marked || hour)
        .then(|| clock_of(caught, 14))
        .flatten()
        .map(|until| (None, Some(until).filter(|until| *until != Time::midnight())))
}

/// The time whose four groups begin at `group`.
fn clock_of(caught: &Captures<'_>, group: usize) -> Option<Time> {
    let minute = if caught.get(group + 1).is_some() { group + 1 } else { group + 2 };
    clock(caught, group, Some(minute), caught.get(group + 3).map(|it| it.as_str()))
}

fn clock(
    caught: &Captures<'_>,
    hour: usize,
    minute: Option<usize>,
    part: Option<&str>,
) -> Option<Time> {
    let number = |group: usize| caught.get(group).and_then(|it| it.as_str().parse::<i8>().ok());
    let mut hour = number(hour)?;
    let minute = minute.and_then(number).unwrap_or(0);
    match part {
        Some("дня" | "вечера") if hour < 12 => hour += 12,
        Some("ночи") if hour == 12 => hour = 0,
        _ => {}
    }
    if hour == 24 && minute == 0 {
        return Some(Time::midnight());
    }
    Time::new(hour, minute, 0, 0).ok()
}

/// The days that the text names, and the text without them.
fn days(text: &str, today: Date) -> (Vec<Named>, String) {
    let mut bare = text.to_owned();
    let mut found = Vec::new();
    let Some(rule) = DAYS.as_ref() else { return (found, bare) };
    for caught in rule.captures_iter(text) {
        let Some(whole) = caught.get(0) else { continue };
        let Some((first, last)) = day(&caught, today) else { continue };
        found.push(Named { at: whole.start(), first, last });
        // «с 14 по 15 марта»: the «с» in front is the day's, not a time's.
        bare.replace_range(whole.range(), &" ".repeat(whole.len()));
    }
    (found, bare)
}

fn day(caught: &Captures<'_>, today: Date) -> Option<(Date, Date)> {
    let number = |name: &str| caught.name(name).and_then(|it| it.as_str().parse::<i16>().ok());
    if let Some(word) = caught.name("word") {
        let days = match word.as_str() {
            "сегодня" => 0,
            "завтра" => 1,
            _ => 2,
        };
        let day = today.checked_add(days.days()).ok()?;
        return Some((day, day));
    }
    let (first, month, year) = match caught.name("month") {
        Some(name) => {
            let starts = |month: &&str| match month.strip_suffix("[яй]") {
                Some("ма") => matches!(name.as_str(), "мая" | "май" | "мае"),
                _ => name.as_str().starts_with(*month),
            };
            let month = MONTHS.iter().position(starts)? + 1;
            (number("first")?, i8::try_from(month).ok()?, number("year"))
        }
        None => {
            let year = number("long").map(|year| if year < 100 { 2000 + year } else { year });
            (number("day")?, i8::try_from(number("number")?).ok()?, year)
        }
    };
    let date = |day: i16| -> Option<Date> {
        let day = i8::try_from(day).ok()?;
        if let Some(year) = year {
            return Date::new(year, month, day).ok();
        }
        let near = Date::new(today.year(), month, day).ok()?;
        let past = near.checked_add(PAST_DAYS.days()).ok()? < today;
        if past { Date::new(today.year() + 1, month, day).ok() } else { Some(near) }
    };
    let first = date(first)?;
    let last = number("last").map_or(Some(first), date)?;
    (first <= last).then_some((first, last))
}
