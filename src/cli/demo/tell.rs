//! What the demo says: what was planted, what was found, who was told, where to look next.
//!
//! Place in the flow: last step of the command, for people. Invariant: every number here is counted
//! from the store or from what the receivers hold; what was missed and what was found beside is
//! said as plainly.

use std::path::Path;

use crate::model::{Alert, Problem};
use crate::notify::play::Mail;
use crate::sim::run::Ended;
use crate::sim::score::{Answered, Score, Traces};
use crate::sim::{SimPage, Story};
use crate::store::StoredProblem;

use super::super::words;

use super::super::{Result, table};
use super::folder;

/// Lines of a digest that are shown.
const DIGEST_LINES: usize = 22;
/// Other problems that are listed.
const OTHERS_MAX: usize = 12;

/// Everything that is told about.
pub struct Told<'a> {
    /// Folder of the demo.
    pub out: &'a Path,
    /// The story.
    pub story: &'a Story,
    /// What receivers hold, and the daemon's services.
    pub ended: &'a Ended,
    /// What the store holds.
    pub traces: &'a Traces,
}

impl Told<'_> {
    /// The whole output, line by line.
    pub async fn lines(&self, score: &Score) -> Result<Vec<String>> {
        let mut lines = self.head().await?;
        title(&mut lines, "Что случилось в районе и что нашёл otklik");
        for answered in &score.answered {
            self.answered(&mut lines, answered);
        }
        self.others(&mut lines, &score.others);
        self.example(&mut lines, score);
        self.digest(&mut lines).await?;
        self.totals(&mut lines, score);
        self.files(&mut lines);
        self.next(&mut lines);
        Ok(lines)
    }

    async fn head(&self) -> Result<Vec<String>> {
        let zone = &self.ended.services.settings.district.timezone;
        let day = |at| words::day(at, self.story.start, zone);
        let weeks = u32::try_from(self.story.weeks()).unwrap_or(0);
        let last = self.story.end.as_second() - 1;
        let last = jiff::Timestamp::from_second(last).unwrap_or(self.story.end);
        let status = self.ended.services.store.status(self.ended.at).await?;
        let read: u64 = status.posts.values().sum();
        let pages: Vec<String> =
            self.story.pages.iter().map(|page: &SimPage| page.title.to_owned()).collect();
        Ok(vec![
            format!(
                "Показ: {} из жизни района, {} – {}. Люди, страницы и события вымышлены,",
                words::count(weeks, "неделя", "недели", "недель"),
                day(self.story.start),
                day(last)
            ),
            "служба настоящая: она сама читала страницы, оценивала тексты и рассылала сообщения."
                .to_owned(),
            String::new(),
            format!("Страниц: {} ({}).", pages.len(), pages.join("; ")),
            format!(
                "Написано публикаций и комментариев: {}, прочитано и сохранено: {read}.",
                self.story.posts.len()
            ),
        ])
    }

    fn answered(&self, lines: &mut Vec<String>, answered: &Answered) {
        let planted = &answered.planted;
        let begins = self.moment(planted.begins);
        lines.push(String::new());
        let Some(stored) = &answered.problem else {
            lines.push(format!("✗ {}", words::sentence(planted.title)));
            lines.push(format!("    первое сообщение: {begins}; проблема НЕ найдена"));
            return;
        };
        lines.push(format!("✓ {}", words::sentence(planted.title)));
        lines.push(format!("    первое сообщение: {begins}"));
        let place =
            if answered.place_right { "" } else { " (место не определено)" };
        lines.push(format!("    найдено: {}{place}", self.problem(stored)));
        match &answered.alert {
            Some(alert) => {
                let delay = answered.delay_minutes().map(delay).unwrap_or_default();
                let at = self.moment(alert.at);
                lines.push(format!("    сообщено: {at}, {delay}: {}", receivers(answered)));
            }
            None => lines.push(
                "    оповещения не было: уровень и число пишущих ниже порога, видно в сводке"
                    .to_owned(),
            ),
        }
    }

    fn others(&self, lines: &mut Vec<String>, others: &[StoredProblem]) {
        title(lines, "Лишнее: проблемы повышенного уровня, которых никто не придумывал");
        if others.is_empty() {
            lines.push("нет".to_owned());
        }
        for stored in others.iter().take(OTHERS_MAX) {
            let alerts = stored.problem.alerts;
            let told = match alerts {
                0 => "оповещения не было".to_owned(),
                n => format!("оповещений: {n}"),
            };
            let opened = self.moment(stored.problem.opened);
            lines.push(format!("— {opened}: {}; {told}", self.problem(stored)));
        }
        if others.len() > OTHERS_MAX {
            lines.push(format!("… и ещё {}", others.len() - OTHERS_MAX));
        }
    }

    /// An alert as its receiver holds it.
    fn example(&self, lines: &mut Vec<String>, score: &Score) {
        let Some((number, mail)) = score
            .answered
            .iter()
            .filter_map(|answered| answered.alert.as_ref())
            .find_map(|alert| self.mail_of(alert))
        else {
            return;
        };
        title(lines, "Оповещение, как оно ушло");
        lines.push(format!("Кому: {}", mail.to.join(", ")));
        lines.push(format!("Тема: {}", mail.subject()));
        let text = mail.part("text/plain").map(|part| part.text()).unwrap_or_default();
        lines.extend(
            text.trim_end().lines().map(|line| format!("  │ {line}").trim_end().to_owned()),
        );
        let name = folder::mail_name(number, mail);
        lines.push(format!("Целиком: {}", self.out.join("mail").join(name + ".html").display()));
    }

    /// The mail that brought an alert, with its number.
    fn mail_of(&self, alert: &Alert) -> Option<(usize, &Mail)> {
        let subject = format!("alert:{}", alert.id);
        let ids = self.traces.deliveries.iter().filter(|it| it.delivery.subject == subject);
        let marks: Vec<String> = ids.map(|it| format!("<{}@", it.delivery.id)).collect();
        self.ended.mails.iter().enumerate().find(|(_, mail)| {
            let id = mail.header("Message-ID").unwrap_or_default();
            marks.iter().any(|mark| id.starts_with(mark))
        })
    }

    async fn digest(&self, lines: &mut Vec<String>) -> Result<()> {
        let weeks = folder::weeks(self.story, self.ended);
        let Some(week) = weeks.first() else { return Ok(()) };
        let Some(stored) = self.ended.services.store.digest(&week.name()).await? else {
            return Ok(());
        };
        title(lines, "Недельная сводка (начало первой из них)");
        let shown = stored.text.lines().take(DIGEST_LINES);
        lines.extend(shown.map(|line| format!("  │ {line}").trim_end().to_owned()));
        lines.push("  │ …".to_owned());
        Ok(())
    }

    fn totals(&self, lines: &mut Vec<String>, score: &Score) {
        let totals = score.totals();
        title(lines, "Итог");
        let digests = self
            .ended
            .mails
            .iter()
            .filter(|mail| !mail.subject().is_empty())
            .filter(|mail| mail.parts().iter().any(|part| part.name.is_some()));
        let digests = digests.count();
        let mut rows = vec![
            row("Придумано бед", totals.planted),
            row("Из них найдено", totals.found),
            row("С верным населённым пунктом", totals.place_right),
            row("Лишних проблем повышенного уровня", totals.others),
            row("Сообщений дошло до получателей", totals.messages),
            row("  из них писем с оповещениями", self.ended.mails.len() - digests),
            row("  писем со сводкой", digests),
            row("  сообщений в Telegram", self.ended.chats.len()),
        ];
        if let Some(minutes) = totals.median_delay_minutes {
            #[expect(clippy::cast_possible_truncation, reason = "minutes of some weeks")]
            let half =
                vec!["От первого текста до оповещения, медиана".to_owned(), span(minutes as i64)];
            rows.push(half);
        }
        lines.extend(table::aligned(&rows));
    }

    fn files(&self, lines: &mut Vec<String>) {
        title(lines, "Где лежит");
        let at = |name: &str| self.out.join(name).display().to_string();
        let weeks = folder::weeks(self.story, self.ended);
        let first = weeks.first().map(|week| week.name()).unwrap_or_default();
        lines.extend(table::aligned(&[
            vec![
                at(&format!("digest-{first}.html")),
                "сводки: .html, .txt, .xlsx, .docx".to_owned(),
            ],
            vec![at("mail"), "письма, как они пришли: .eml и .html".to_owned()],
            vec![at("telegram"), "сообщения бота".to_owned()],
            vec![at("otklik.db"), "хранилище".to_owned()],
            vec![at("config"), "настройка и словари".to_owned()],
        ]));
    }

    fn next(&self, lines: &mut Vec<String>) {
        title(lines, "Что попробовать дальше");
        let config = self.out.join("config/otklik.toml").display().to_string();
        lines.push(format!("  otklik --config {config} problems list"));
        lines.push(format!("  otklik --config {config} explain \"Третий день нет воды, Илька\""));
        lines.push("  otklik demo --seed 7        другая жизнь того же района".to_owned());
        lines.push("  otklik init                 настройка своего района".to_owned());
    }

    /// «Отопление, Онохой; уровень высокий; пишут 6 человек».
    fn problem(&self, stored: &StoredProblem) -> String {
        let problem: &Problem = &stored.problem;
        let district = self.ended.services.district.load();
        let place =
            problem.place.as_ref().map_or("весь район", |it| district.place_title(it));
        let voices = words::voices(stored.voices.voices, stored.voices.at_least).to_lowercase();
        let posts = words::count(problem.posts, "публикация", "публикации", "публикаций");
        format!(
            "{}, {place}; уровень {}; {voices}, {posts}",
            district.topic_title(&problem.topic),
            words::level(self.traces.peak(&problem.id)),
        )
    }

    fn moment(&self, at: jiff::Timestamp) -> String {
        let zone = &self.ended.services.settings.district.timezone;
        words::moment(at, self.story.start, zone)
    }
}

fn title(lines: &mut Vec<String>, text: &str) {
    lines.push(String::new());
    lines.push(text.to_uppercase());
}

fn row(what: &str, number: usize) -> Vec<String> {
    vec![what.to_owned(), number.to_string()]
}

/// «через 27 мин».
fn delay(minutes: i64) -> String {
    format!("через {}", span(minutes))
}

/// «27 мин», «3 ч 05 мин», «2 сут 4 ч».
fn span(minutes: i64) -> String {
    match minutes {
        ..60 => format!("{minutes} мин"),
        60..1_440 => format!("{} ч {:02} мин", minutes / 60, minutes % 60),
        _ => format!("{} сут {} ч", minutes / 1_440, minutes % 1_440 / 60),
    }
}

/// «МЦУ, дежурный (почта); ЕДДС (Telegram)».
fn receivers(answered: &Answered) -> String {
    if answered.told.is_empty() {
        return "никому: получатели не названы".to_owned();
    }
    let told: Vec<String> = answered
        .told
        .iter()
        .map(|(receiver, channel)| format!("{receiver} ({})", words::channel(*channel)))
        .collect();
    told.join("; ")
}
