//! `duty.toml`: who is on duty when.
//!
//! Place in the flow: read at start and when the file changes; routing sends what goes to a post
//! («МЦУ, дежурный») to whoever holds it now. Invariants: at every moment a post is held by exactly
//! one of its people, or by nobody if all are away; whoever is named here is a receiver of
//! `routes.toml`.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::civil::{Date, DateTime, Time};
use serde::Deserialize;
use toml::Spanned;

use super::fault::{Fault, parse_toml};

/// Longest turn of one person.
const TURN_DAYS_MAX: i64 = 31;
/// Most substitutes that are followed one after the other.
const SUBSTITUTES_MAX: usize = 8;

/// One post and the people who hold it in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// The receiver whose messages go to whoever is on duty.
    pub receiver: String,
    /// Receivers who take turns, in order.
    pub people: Vec<String>,
    /// The day on which the first of them begins.
    pub from: Date,
    /// Days of one turn.
    pub days: i64,
    /// When the turn changes.
    pub change: Time,
}

/// Somebody is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// Who.
    pub who: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Who stands in; nobody named: the next of the rotation.
    pub substitute: Option<String>,
}

/// All of `duty.toml`; without the file nobody takes turns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Duties {
    /// Posts.
    pub duties: Vec<Duty>,
    /// Absences.
    pub absences: Vec<Absence>,
}

/// Who holds a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDuty<'a> {
    /// The receiver.
    pub who: &'a str,
    /// Whose turn it would be, if that one is away.
    pub instead_of: Option<&'a str>,
}

impl Duties {
    /// Reads `source`, the content of `file`; all faults at once. `receivers`: names of
    /// `routes.toml`.
    pub fn parse(
        file: &Path,
        source: &str,
        receivers: &BTreeSet<&str>,
    ) -> Result<Self, Vec<Fault>> {
        let typed: DutyFile = parse_toml(file, source).map_err(|fault| vec![fault])?;
        let mut check = Check { file, source, receivers, faults: Vec::new() };
        let mut duties: Vec<Duty> = Vec::new();
        for table in &typed.duty {
            let duty = check.duty(table);
            if duties.iter().any(|other| other.receiver == duty.receiver) {
                let text = format!("дежурство «{}» уже есть", duty.receiver);
                check.error(&table.receiver, text, "оставьте одну таблицу [[duty]]");
            }
            duties.push(duty);
        }
        let absences = typed.absence.iter().map(|table| check.absence(table)).collect();
        if check.faults.is_empty() { Ok(Self { duties, absences }) } else { Err(check.faults) }
    }

    /// Whether this receiver only gets messages while on duty.
    #[must_use]
    pub fn takes_turns(&self, receiver: &str) -> bool {
        self.duties.iter().any(|duty| duty.people.iter().any(|person| person == receiver))
    }

    /// Who holds the post `receiver` at `at`; `None` if it is no post or everybody is away.
    #[must_use]
    pub fn on_duty(&self, receiver: &str, at: DateTime) -> Option<OnDuty<'_>> {
        let duty = self.duties.iter().find(|duty| duty.receiver == receiver)?;
        let turn = duty.turn(at);
        let length = duty.people.len();
        let first = duty.people.get(turn)?;
        let day = duty.day(at);
        (0..length).find_map(|step| {
            let person = &duty.people[(turn + step) % length];
            let who = self.present(person, day)?;
            Some(OnDuty { who, instead_of: (who != first).then_some(first.as_str()) })
        })
    }

    /// `person`, or whoever stands in on `day`; `None` if nobody does.
    fn present<'a>(&'a self, person: &'a str, day: Date) -> Option<&'a str> {
        let mut who = person;
        for _ in 0..SUBSTITUTES_MAX {
            let away = self
                .absences
                .iter()
                .find(|absence| absence.who == who && (absence.from..=absence.to).contains(&day));
            match away {
                None => return Some(who),
                Some(absence) => who = absence.substitute.as_deref()?,
            }
        }
        None
    }
}

impl Duty {
    /// The day to which a moment belongs: before the change it is still the day before.
    fn day(&self, at: DateTime) -> Date {
        if at.time() < self.change { at.date().yesterday().unwrap_or(at.date()) } else { at.date() }
    }

    /// Whose turn it is, by number.
    fn turn(&self, at: DateTime) -> usize {
        let passed = self.day(at).since(self.from).map_or(0, |span| i64::from(span.get_days()));
        let length = i64::try_from(self.people.len()).unwrap_or(1).max(1);
        usize::try_from(passed.div_euclid(self.days.max(1)).rem_euclid(length)).unwrap_or(0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DutyFile {
    #[serde(default)]
    duty: Vec<DutyTable>,
    #[serde(default)]
    absence: Vec<AbsenceTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DutyTable {
    receiver: Spanned<String>,
    people: Spanned<Vec<Spanned<String>>>,
    from: Spanned<String>,
    every: Option<Spanned<String>>,
    change: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AbsenceTable {
    who: Spanned<String>,
    from: Spanned<String>,
    to: Spanned<String>,
    substitute: Option<Spanned<String>>,
}

struct Check<'a> {
    file: &'a Path,
    source: &'a str,
    receivers: &'a BTreeSet<&'a str>,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn error<T>(&mut self, at: &Spanned<T>, text: impl Into<String>, fix: &str) {
        self.faults.push(Fault::at(self.file, self.source, at.span().start, text, fix));
    }

    fn receiver(&mut self, typed: &Spanned<String>) -> String {
        let name = typed.get_ref().trim();
        if !self.receivers.contains(name) {
            let text = format!("нет получателя «{name}»");
            self.error(typed, text, "добавьте [[receiver]] с этим именем в routes.toml");
        }
        name.to_owned()
    }

    fn date(&mut self, typed: &Spanned<String>) -> Date {
        typed.get_ref().trim().parse().unwrap_or_else(|_| {
            let text = format!("дата «{}» не понятна", typed.get_ref());
            self.error(typed, text, "пишите год-месяц-день: \"2026-12-01\"");
            Date::ZERO
        })
    }

    fn duty(&mut self, table: &DutyTable) -> Duty {
        let receiver = self.receiver(&table.receiver);
        let typed = table.people.get_ref();
        let people: Vec<String> = typed.iter().map(|person| self.receiver(person)).collect();
        if people.is_empty() {
            self.error(&table.people, "дежурить некому", "назовите хотя бы одного получателя");
        }
        if people.contains(&receiver) {
            let text = format!("«{receiver}» не может дежурить за самого себя");
            self.error(&table.people, text, "назовите людей отдельными получателями");
        }
        let mut days = 7;
        if let Some(every) = &table.every {
            match super::duration::parse(every.get_ref()) {
                Ok(secs)
                    if secs % 86_400 == 0 && (1..=TURN_DAYS_MAX).contains(&(secs / 86_400)) =>
                {
                    days = secs / 86_400;
                }
                Ok(_) => {
                    let text = format!("смена длится от 1 до {TURN_DAYS_MAX} целых суток");
                    self.error(every, text, "\"1d\" или \"7d\"");
                }
                Err(fix) => self.error(every, "длина смены не понятна", &fix),
            }
        }
        let mut change = Time::constant(9, 0, 0, 0);
        if let Some(typed) = &table.change {
            match typed.get_ref().trim().parse() {
                Ok(time) => change = time,
                Err(_) => self.error(typed, "время смены не понятно", "пишите \"08:30\""),
            }
        }
        Duty { receiver, people, from: self.date(&table.from), days, change }
    }

    fn absence(&mut self, table: &AbsenceTable) -> Absence {
        let (from, to) = (self.date(&table.from), self.date(&table.to));
        if to < from {
            self.error(&table.to, "конец отсутствия раньше начала", "");
        }
        let who = self.receiver(&table.who);
        let substitute = table.substitute.as_ref().map(|typed| self.receiver(typed));
        if let (Some(typed), true) = (&table.substitute, substitute.as_ref() == Some(&who)) {
            self.error(typed, "замещает самого себя", "назовите другого получателя");
        }
        Absence { who, from, to, substitute }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[duty]]\nreceiver = \"пост\"\npeople = [\"а\", \"б\", \"в\"]\n\
                        from = \"2026-11-02\"\nevery = \"7d\"\nchange = \"08:30\"\n\
                        [[absence]]\nwho = \"б\"\nfrom = \"2026-11-09\"\nto = \"2026-11-11\"\n\
                        substitute = \"в\"\n[[absence]]\nwho = \"в\"\nfrom = \"2026-11-11\"\n\
                        to = \"2026-11-11\"\n";

    fn read(source: &str) -> Result<Duties, Vec<String>> {
        let receivers = ["пост", "а", "б", "в"].into();
        Duties::parse(Path::new("duty.toml"), source, &receivers)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn turns_absences_substitutes() {
        let duties = read(GOOD).expect("a good file");
        for (at, who, instead_of) in [
            ("2026-11-02T08:29", "в", None),
            ("2026-11-02T08:30", "а", None),
            ("2026-11-09T08:29", "а", None),
            ("2026-11-09T08:30", "в", Some("б")),
            // The substitute is away too and names nobody: the next of the rotation.
            ("2026-11-11T12:00", "а", Some("б")),
            ("2026-11-12T08:29", "а", Some("б")),
            ("2026-11-12T12:00", "б", None),
            ("2026-11-16T12:00", "в", None),
            ("2026-11-23T12:00", "а", None),
        ] {
            let found = duties.on_duty("пост", at.parse().unwrap()).expect("somebody");
            assert_eq!((found.who, found.instead_of), (who, instead_of), "{at}");
        }
        assert_eq!(duties.on_duty("а", "2026-11-02T12:00".parse().unwrap()), None);
        assert!(duties.takes_turns("а") && !duties.takes_turns("пост"));
    }

    #[test]
    fn substitutes_in_a_circle_end() {
        let circle = GOOD.replace("who = \"в\"\n", "who = \"в\"\nsubstitute = \"б\"\n");
        let duties = read(&circle).expect("a good file");
        let found = duties.on_duty("пост", "2026-11-11T12:00".parse().unwrap());
        assert_eq!(found.map(|it| it.who), Some("а"));
    }

    #[test]
    fn faults_name_their_place() {
        for (from, to, expected) in [
            ("\"в\"]", "\"г\"]", "duty.toml:3:21: нет получателя «г»"),
            ("[\"а\", \"б\", \"в\"]", "[]", "duty.toml:3:10: дежурить некому"),
            ("\"в\"]", "\"пост\"]", "duty.toml:3:10: «пост» не может дежурить"),
            ("every = \"7d\"", "every = \"36h\"", "duty.toml:5:9: смена длится"),
            ("\"08:30\"", "\"утром\"", "duty.toml:6:10: время смены"),
            ("\"2026-11-02\"", "\"2.11\"", "duty.toml:4:8: дата «2.11»"),
            ("substitute = \"в\"", "substitute = \"б\"", "duty.toml:11:14: замещает самого"),
        ] {
            let faults = read(&GOOD.replacen(from, to, 1)).expect_err(to);
            assert!(faults[0].starts_with(expected), "{faults:?}");
        }
    }
}
