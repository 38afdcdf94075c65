//! Planted problems: what goes wrong in the simulated district, and how people write about it.
//!
//! Place in the flow: the first part of a story. Invariant: the texts are written as residents
//! write, without a look at the packs; every plot says where and when it happened, for the count
//! afterwards.

use jiff::{Timestamp, ToSpan};

use super::later::LATER;
use super::{Planted, Rng, SimAuthor, Story};

/// One thing that goes wrong.
pub(super) struct Plot {
    pub(super) title: &'static str,
    pub(super) topics: &'static [&'static str],
    pub(super) place: &'static str,
    /// Day and local hour of the first text.
    pub(super) day: i64,
    pub(super) hour: f64,
    /// Hours from the first to the last complaint.
    pub(super) hours: f64,
    /// Page and text of complaints, in this order.
    pub(super) posts: &'static [(&'static str, &'static str)],
    /// Comments below the first posts.
    pub(super) comments: &'static [&'static str],
    /// What the official page says at the end, if it does.
    pub(super) answer: Option<&'static str>,
}

const PLOTS: &[Plot] = &[
    Plot {
        title: "авария отопления в Онохое",
        topics: &["heating"],
        place: "onohoy",
        day: 2,
        hour: 6.3,
        hours: 40.0,
        posts: &[
            (
                "vk-onohoy",
                "Доброе утро. Батареи ледяные с ночи, в квартире 14 градусов. Онохой, ул. \
                    Гагарина, дети мёрзнут. Котельная что, встала?",
            ),
            (
                "vk-onohoy",
                "У кого ещё холодные батареи? Гагарина 12, второй день топят еле-еле, сегодня \
                    совсем нет отопления",
            ),
            (
                "vk-rayon",
                "В Онохое вторые сутки нет тепла, мёрзнем всем домом, обогреватели не спасают. \
                    Звонили в котельную, трубку не берут",
            ),
            ("vk-onohoy", "Когда дадут отопление??? Ребёнок спит в шапке, в подъезде иней"),
            (
                "tg-rayon",
                "Жители Онохоя пишут, что в нескольких домах второй день нет отопления. Ждём \
                    ответа теплоснабжающей организации.",
            ),
        ],
        comments: &[
            "у нас тоже холод собачий",
            "Гагарина 8, батареи чуть тёплые",
            "+1, мы вообще замерзаем",
            "бабушка лежачая, что делать, обогреватель выбивает пробки",
        ],
        answer: Some(
            "Онохой: авария на котельной устранена, отопление дано во все дома. Приносим \
                извинения за неудобства.",
        ),
    },
    Plot {
        title: "прорыв водопровода в Новой Бряни",
        topics: &["water", "accident"],
        place: "novaya_bryan",
        day: 5,
        hour: 19.1,
        hours: 22.0,
        posts: &[
            (
                "vk-bryan",
                "На Рабочей прорвало трубу, вода хлещет прямо на дорогу, фонтан метра два. Куда звонить?",
            ),
            (
                "vk-bryan",
                "Новая Брянь сидит без воды с вечера, из крана ни капли. Обещали подвоз, никого нет",
            ),
            ("vk-rayon", "В Новой Бряни прорыв водопровода, полпосёлка без воды"),
            ("vk-bryan", "Воды нет до сих пор!! С маленькими детьми без воды вторые сутки"),
        ],
        comments: &[
            "и у нас нет воды, Заводская",
            "тоже без воды",
            "у кого колодец, поделитесь водой пожалуйста",
        ],
        answer: Some("Новая Брянь: порыв водовода на улице Рабочей ликвидирован, вода подана."),
    },
    Plot {
        title: "стая собак в Заиграево",
        topics: &["stray_dogs"],
        place: "zaigraevo",
        day: 8,
        hour: 8.0,
        hours: 130.0,
        posts: &[
            (
                "vk-zaigraevo",
                "Возле школы опять стая бродячих собак, штук восемь. Дети боятся идти на уроки. \
                    Когда их отловят?",
            ),
            (
                "vk-zaigraevo",
                "Сегодня собака без хозяина укусила ребёнка возле магазина на Октябрьской. \
                    Вызвали скорую. Сколько можно терпеть эту свору",
            ),
            (
                "vk-rayon",
                "Заиграево, безнадзорные собаки бросаются на людей, вечером страшно выйти",
            ),
        ],
        comments: &[
            "на нас тоже кидались вчера",
            "отлов когда приедет, кто знает?",
            "подтверждаю, стая у школы",
        ],
        answer: None,
    },
    Plot {
        title: "дым от лесного пожара у Татарского Ключа",
        topics: &["taiga_fire", "fire", "ecology"],
        place: "tatarskiy_klyuch",
        day: 13,
        hour: 14.5,
        hours: 60.0,
        posts: &[
            (
                "vk-rayon",
                "За Татарским Ключом горит лес, огонь видно с дороги, дым идёт на село. МЧС в курсе?",
            ),
            (
                "tg-rayon",
                "В районе села Татарский Ключ зафиксировано возгорание в лесу. Жители сообщают \
                    о сильном задымлении.",
            ),
            (
                "vk-rayon",
                "Татарский Ключ весь в дыму, дышать нечем, тайга горит рядом с домами! Пожарных не видно",
            ),
            (
                "vk-zaigraevo",
                "Гарью тянет со стороны Татарского Ключа, лесной пожар подходит к селу, помогите",
            ),
        ],
        comments: &[
            "дым уже и у нас, глаза режет",
            "огонь метрах в пятистах от крайних домов",
            "вызвали пожарных, едут из района",
        ],
        answer: None,
    },
    Plot {
        title: "слух об отравленной воде в Ильке",
        topics: &["rumour", "water", "epidemic"],
        place: "ilka",
        day: 17,
        hour: 20.2,
        hours: 16.0,
        posts: &[
            (
                "vk-ilka",
                "Говорят, в Ильке воду отравили, в чатах пишут что нельзя пить из скважины. Это правда?",
            ),
            (
                "vk-ilka",
                "Слышали, что вода в посёлке отравлена? Передают, что уже есть пострадавшие. \
                    Кто-нибудь знает точно?",
            ),
            (
                "vk-rayon",
                "Пересылают сообщение, будто в Ильке отравлена вода, люди скупают бутылки. \
                    Говорят, скрывают. Правда или нет?",
            ),
        ],
        comments: &[
            "мне тоже прислали, говорят отравили скважину",
            "по ватсапу пишут не пить воду, якобы отравлена",
        ],
        answer: None,
    },
    Plot {
        title: "разбитая дорога у Нижних Тальцов",
        topics: &["roads"],
        place: "nizhnie_taltsy",
        day: 1,
        hour: 18.0,
        hours: 26.0 * 24.0,
        posts: &[
            (
                "vk-rayon",
                "Дорога в Нижние Тальцы вся в ямах, вчера пробил колесо. Когда будет ремонт?",
            ),
            (
                "vk-rayon",
                "Нижние Тальцы: яма на яме, асфальта не осталось, скорая объезжает по обочине",
            ),
            (
                "vk-zaigraevo",
                "Кто ездит в Нижние Тальцы? Дорогу разбило окончательно, грейдера с осени не было",
            ),
            (
                "tg-rayon",
                "Подписчики снова жалуются на разбитую дорогу в Нижние Тальцы: глубокие ямы на \
                    въезде в село.",
            ),
            (
                "vk-rayon",
                "Опять про дорогу на Нижние Тальцы. Ямы по колено, автобус еле ползёт, подвеску убили",
            ),
            (
                "vk-rayon",
                "Ямочный ремонт в Нижних Тальцах обещали в апреле, воз и ныне там, дорога убитая",
            ),
        ],
        comments: &[
            "каждый год одно и то же, ямы",
            "колесо там же оставил",
            "согласна, дорога ужас",
        ],
        answer: None,
    },
    Plot {
        title: "нет света в Эрхирике",
        topics: &["electricity", "street_hazard"],
        place: "erhirik",
        day: 21,
        hour: 18.6,
        hours: 9.0,
        posts: &[
            (
                "vk-rayon",
                "Эрхирик без света с обеда, кто знает что случилось? Холодильники размораживаются",
            ),
            ("vk-rayon", "В Эрхирике отключили электричество по всему селу, диспетчер не отвечает"),
            ("vk-rayon", "Света нет уже пятый час, Эрхирик, провод оборвало ветром на Школьной"),
        ],
        comments: &["у нас тоже света нет", "обрыв провода, ждём бригаду"],
        answer: Some("Эрхирик: электроснабжение восстановлено в 23:10."),
    },
];

/// Puts all plots into the story that begin within its weeks.
pub fn plant(story: &mut Story, rng: &mut Rng, weeks: i64) {
    let mut resident = 10_000;
    let within = PLOTS.iter().chain(LATER).filter(|plot| plot.day < weeks * 7 - 2);
    for plot in within {
        let begins = story.local(plot.day, plot.hour);
        let mut ends = begins;
        let last = plot.posts.len().saturating_sub(1).max(1);
        for (number, (page, text)) in plot.posts.iter().enumerate() {
            let at = place_in_time(story, rng, begins, plot.hours, number, last);
            ends = ends.max(at);
            resident += 1;
            let author = author_on(story, page, resident);
            let post = story.say(page, at, author, (*text).to_owned());
            if number < 2 {
                for comment in plot.comments {
                    if rng.chance(0.75) {
                        resident += 1;
                        let after = at + rng_minutes(rng, 8, 300);
                        let said = SimAuthor::Resident(resident);
                        story.reply(post, after, said, (*comment).to_owned());
                        ends = ends.max(after);
                    }
                }
            }
        }
        if let Some(answer) = plot.answer {
            let at = ends + rng_minutes(rng, 60, 240);
            story.say("vk-official", at, SimAuthor::Page, answer.to_owned());
        }
        story.planted.push(Planted {
            title: plot.title,
            topics: plot.topics,
            place: plot.place,
            begins,
            ends,
        });
    }
}

fn rng_minutes(rng: &mut Rng, from: usize, to: usize) -> jiff::Span {
    i64::try_from(from + rng.below(to - from)).unwrap_or(0).minutes()
}

/// News channels write in their own name, residents' pages do not.
fn author_on(story: &Story, page: &str, resident: u32) -> SimAuthor {
    let page = &story.pages[story.page(page)];
    match page.platform {
        otklik_collectors::Platform::Vk => SimAuthor::Resident(resident),
        _ => SimAuthor::Page,
    }
}

/// The first text comes at `begins`, the others spread over `hours` with some disorder.
fn place_in_time(
    story: &Story,
    rng: &mut Rng,
    begins: Timestamp,
    hours: f64,
    number: usize,
    last: usize,
) -> Timestamp {
    if number == 0 {
        return begins;
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of posts")]
    let share = (number as f64 - 0.4 + 0.4 * rng.unit()) / last as f64;
    #[expect(clippy::cast_possible_truncation, reason = "some weeks in seconds")]
    let seconds = (hours * share * 3600.0) as i64;
    (begins + seconds.seconds()).min(story.end - 6.hours())
}
