//! The completeness of a source in words, with its reasons.
//!
//! Place in the flow: under the digest's «Чего мы не видели», `sources` and `status`, so that all
//! say the same. Invariant: a share below the whole never stands without a reason.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::alert::render::words;
use crate::model::{Completeness, Gap, HoleCause, Stretch};

/// The share as people read it: «97,3 %»; rounded down, so that «100 %» is the whole.
#[must_use]
pub fn share(completeness: &Completeness) -> String {
    match completeness.share {
        None => "не измерена".to_owned(),
        Some(1_000) => "100 %".to_owned(),
        Some(share) => format!("{},{} %", share / 10, share % 10),
    }
}

/// What lacks and why, the gravest first. `comments`: whether the operator wants comments read.
#[must_use]
pub fn reasons(
    completeness: &Completeness,
    comments: bool,
    near: Timestamp,
    zone: &TimeZone,
) -> Vec<String> {
    let mut reasons = Vec::new();
    reasons.extend(not_looked(completeness.not_looked_secs));
    let open = completeness.gaps.iter().filter(|gap| gap.open > 0);
    reasons.extend(open.filter_map(|gap| gap_words(gap, near, zone)));
    let stored = &completeness.stored;
    let unreadable = completeness.gap(HoleCause::Unreadable).and_then(|gap| gap.posts);
    let unreadable = stored.unreadable.max(unreadable.map_or(0, u64::from));
    if unreadable > 0 {
        reasons.push(format!("не разобрано: {unreadable}"));
    }
    if stored.pictures_only > 0 {
        reasons.push(format!("только картинка, без текста: {}", stored.pictures_only));
    }
    if stored.comments_closed > 0 {
        let closed = number(stored.comments_closed);
        let posts = words::plural(closed, "публикацией", "публикациями", "публикациями");
        reasons.push(format!("комментарии закрыты под {closed} {posts} (в долю не входят)"));
    }
    if !comments {
        reasons.push("комментарии не читаются: так задано в sources.toml".to_owned());
    }
    reasons
}

fn number(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Time in which nobody looked, from a minute on.
fn not_looked(secs: u64) -> Option<String> {
    let lasted = match (secs / 3_600, secs / 60) {
        (_, 0) => return None,
        (0, minutes) => format!("{minutes} мин"),
        (hours @ 1..=48, _) => format!("{hours} ч"),
        (hours, _) => format!("{} сут", hours / 24),
    };
    Some(format!("не смотрели {lasted}: не работали мы или площадка"))
}

fn gap_words(gap: &Gap, near: Timestamp, zone: &TimeZone) -> Option<String> {
    let posts = gap.posts.map_or_else(String::new, |n| {
        format!(", не меньше {}", words::count(n, "публикации", "публикаций", "публикаций"))
    });
    let stretch = gap.stretch.map_or_else(String::new, |it| between(it, near, zone));
    Some(match gap.cause {
        HoleCause::PageMissed => {
            let holes = words::count(gap.open, "участок", "участка", "участков");
            let queued = match gap.queued {
                0 => "площадка их не отдала".to_owned(),
                queued if queued == gap.open => "будет прочитано повторно".to_owned(),
                queued => format!("из них будет прочитано повторно: {queued}"),
            };
            format!("пропуски: {holes}{stretch}{posts}, {queued}")
        }
        HoleCause::HistoryEnds => format!("площадка не отдаёт историю{stretch}{posts}"),
        HoleCause::Numbers => {
            let removed = gap.posts.map_or_else(String::new, |n| format!(": {n}"));
            format!("удалено или скрыто до нашего чтения{removed} (в долю не входит)")
        }
        HoleCause::CommentsRefused => {
            let known = gap.posts.map_or_else(String::new, |n| format!(": {n}"));
            format!("площадка не отдаёт комментарии{known}")
        }
        HoleCause::TooMany => {
            format!(
                "больше, чем мы читаем за один просмотр{stretch}{posts}: остальное не прочитано"
            )
        }
        HoleCause::Unwatched => {
            let known = gap.posts.map_or_else(String::new, |n| format!(": {n}"));
            format!("слишком много, чтобы замечать удаления{known} (в долю не входит)")
        }
        HoleCause::Late => {
            "новые комментарии под давними публикациями не читаем (в долю не входят)".to_owned()
        }
        HoleCause::Cut => {
            let known = gap.posts.map_or_else(String::new, |n| format!(": {n}"));
            format!("площадка отдаёт только начало длинных публикаций{known}")
        }
        // Told together with what the last look counted.
        HoleCause::Unreadable => return None,
    })
}

fn between(stretch: Stretch, near: Timestamp, zone: &TimeZone) -> String {
    let moment = |at| words::moment(at, near, zone);
    format!(" ({} – {})", moment(stretch.from), moment(stretch.to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Ledger, Noted, NotedHole, Stored};

    fn hour(hour: i64) -> Timestamp {
        let start: Timestamp = "2026-03-02T00:00:00Z".parse().expect("an instant");
        start + jiff::SignedDuration::from_hours(hour)
    }

    fn told(holes: &[(HoleCause, Option<u32>)], stored: &Stored, comments: bool) -> String {
        let stretch = Stretch::new(hour(10), hour(20));
        let holes =
            holes.iter().map(|(cause, posts)| NotedHole { stretch, cause: *cause, posts: *posts });
        let read = Some(Stretch::new(hour(0), hour(100)));
        let mut ledger = Ledger::default();
        ledger.note(&Noted { read, holes: holes.collect() }, hour(100));
        let completeness = ledger.completeness(3_600, stored, hour(110));
        let reasons = reasons(&completeness, comments, hour(110), &TimeZone::UTC);
        format!("{}: {}", share(&completeness), reasons.join("; "))
    }

    #[test]
    fn every_lack_is_named() {
        let stored = Stored { posts: 80, ..Stored::default() };
        assert_eq!(
            told(&[(HoleCause::PageMissed, Some(20))], &stored, true),
            "74,0 %: не смотрели 8 ч: не работали мы или площадка; пропуски: 1 участок (2 марта, \
             10:00 – 2 марта, 20:00), не меньше 20 публикаций, будет прочитано повторно"
        );
        assert_eq!(
            told(&[(HoleCause::HistoryEnds, None), (HoleCause::Numbers, Some(3))], &stored, true),
            "83,3 %: не смотрели 8 ч: не работали мы или площадка; площадка не отдаёт историю \
             (2 марта, 10:00 – 2 марта, 20:00); удалено или скрыто до нашего чтения: 3 (в долю не \
             входит)"
        );
        assert_eq!(
            told(&[(HoleCause::TooMany, None), (HoleCause::Unwatched, Some(3))], &stored, true),
            "83,3 %: не смотрели 8 ч: не работали мы или площадка; больше, чем мы читаем за один \
             просмотр (2 марта, 10:00 – 2 марта, 20:00): остальное не прочитано; слишком много, \
             чтобы замечать удаления: 3 (в долю не входит)"
        );
        assert_eq!(
            told(&[(HoleCause::Late, None)], &stored, true),
            "92,5 %: не смотрели 8 ч: не работали мы или площадка; новые комментарии под давними \
             публикациями не читаем (в долю не входят)"
        );
        assert_eq!(
            told(&[(HoleCause::Cut, Some(8))], &stored, true),
            "83,3 %: не смотрели 8 ч: не работали мы или площадка; площадка отдаёт только начало \
             длинных публикаций: 8"
        );
        let stored = Stored { pictures_only: 8, unreadable: 2, comments_closed: 1, ..stored };
        assert_eq!(
            told(&[(HoleCause::CommentsRefused, Some(4))], &stored, false),
            "77,5 %: не смотрели 8 ч: не работали мы или площадка; площадка не отдаёт комментарии: \
             4; не разобрано: 2; только картинка, без текста: 8; комментарии закрыты под 1 \
             публикацией (в долю не входят); комментарии не читаются: так задано в sources.toml"
        );
        assert_eq!(share(&Completeness::default()), "не измерена");
    }
}
