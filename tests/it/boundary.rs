//! Problems, not people (DESIGN 3), through the real stages: voices, rumours, attitude, places, time.

use std::sync::Arc;

use jiff::Timestamp;
use otklik::clock::{Clock, SimClock};
use otklik::pipeline::district::District;
use otklik::pipeline::report;
use otklik::pipeline::services::Services;
use otklik::store::Store;
use serde_json::{Value, json};

use crate::rig::{Rig, bytes_below, holds};
use crate::town::{CHANNEL, OWNER, Town, lock, minutes_ago};

fn said(n: usize, author: Option<&str>, text: &str) -> Value {
    let at = format!("2026-11-{:02}T{:02}:00:00Z", 16 + n / 20, n % 20);
    json!({ "id": format!("p{n}"), "author": author, "text": text, "published": at })
}

/// Texts by named people, each person one line.
fn people(from: usize, count: usize, text: &str) -> Vec<Value> {
    (from..from + count).map(|n| said(n, Some(&format!("person-{n}")), text)).collect()
}

const RUMOUR: &str = "Говорят, в Кедрово школу закроют";

#[test]
fn a_rumour_alerts_from_three_voices() {
    let rig = Rig::new();
    rig.import(&people(0, 2, RUMOUR), 0);
    assert_eq!((rig.export("problems").len(), rig.export("alerts").len()), (1, 0));
    rig.import(&people(2, 1, RUMOUR), 0);
    let alerts = rig.export("alerts");
    assert_eq!((alerts.len(), &alerts[0]["reason"]), (1, &json!("rumour_spreads")));
}

#[test]
fn one_person_or_nobody_many_times_is_one_voice_for_a_rumour() {
    let rig = Rig::new();
    let lines: Vec<Value> = (0..9)
        .map(|n| said(n, (n % 2 == 0).then_some("same"), &format!("{RUMOUR} ({n})")))
        .collect();
    rig.import(&lines, 0);
    assert_eq!(rig.export("problems")[0]["voices"], 2, "one named, one anonymous");
    assert!(rig.export("alerts").is_empty());
}

#[test]
fn a_rumour_with_a_danger_alerts_at_once_but_not_on_the_word_of_an_attitude() {
    let with_danger = format!("{RUMOUR}, а рядом горит дом");
    let rig = Rig::new();
    rig.import(&people(0, 1, &with_danger), 0);
    let told: Vec<Value> = rig.export("alerts").iter().map(|row| row["reason"].clone()).collect();
    assert!(told.contains(&json!("rumour_spreads")), "{told:?}");

    let rig = Rig::new();
    rig.import(&people(0, 1, RUMOUR), 0);
    rig.import(&people(1, 1, &format!("{with_danger}. Администрация спит")), 0);
    assert!(
        rig.export("alerts").is_empty(),
        "its danger was no ground: {:?}",
        rig.export("alerts")
    );
    assert_eq!(rig.export("problems")[0]["posts"], 2, "it joined as a count");
}

#[test]
fn attitude_is_never_the_sole_ground_and_never_quoted() {
    let rig = Rig::new();
    rig.write(
        "config/routes.toml",
        "[[receiver]]\nname = \"Дежурный\"\nemail = \"d@example.org\"\nmin_level = \"low\"\n",
    );
    rig.import(&people(0, 6, "В Кедрово горит дом, администрация спит"), 0);
    assert!(rig.export("problems").is_empty() && rig.export("alerts").is_empty());
    rig.import(&people(6, 1, "Кедрово: горит дом у колодца"), 0);
    rig.import(&people(7, 1, "В Кедрово горит дом, администрация спит на посту"), 0);
    let problem = &rig.export("problems")[0];
    assert_eq!((&problem["posts"], &problem["voices"]), (&json!(2), &json!(2)));
    for alert in rig.export("alerts") {
        let shown = rig.run(&["alerts", "show", alert["id"].as_str().unwrap_or("")]).out;
        assert!(shown.contains("у колодца") && !shown.contains("спит"), "{shown}");
    }
    let only = rig.run(&["export", "posts"]).out;
    assert!(!only.contains("regard") && !only.contains("attitude"), "{only}");
}

/// Names of tables with their text and blob values as text; the database's own, which hold the
/// names of our tables, are left out.
fn tables(rig: &Rig) -> Vec<(String, String)> {
    let path = rig.path("store/otklik.db");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let conn = rusqlite::Connection::open_with_flags(path, flags).expect("opens");
    let mut names = conn
        .prepare(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
             ORDER BY name",
        )
        .expect("prepared");
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))
        .expect("asked")
        .map(|it| it.expect("a name"))
        .collect();
    let mut found = Vec::new();
    for name in names {
        let mut statement = conn.prepare(&format!("SELECT * FROM {name}")).expect("prepared");
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect("asked");
        while let Some(row) = rows.next().expect("a row") {
            let cells: Vec<String> = (0..columns)
                .map(|column| format!("{:?}", row.get_ref(column).expect("a value")))
                .collect();
            let text: Vec<String> = (0..columns)
                .filter_map(|column| row.get::<_, Option<String>>(column).ok().flatten())
                .collect();
            found.push((name.clone(), format!("{} {}", text.join("|"), cells.join("|"))));
        }
    }
    found
}

#[test]
fn attitude_leaves_no_trace_beside_a_post() {
    let rig = Rig::new();
    rig.import(&people(0, 1, "В Кедрово нет отопления, администрация спит"), 0);
    rig.import(&people(1, 1, "В Кедрово нет отопления, ждём тепла"), 0);
    rig.import(&people(2, 1, "В Соснягино администрация спит"), 0);
    let mut kept = 0;
    for (table, row) in tables(&rig) {
        if table.starts_with("attitude") {
            kept += 1;
            for key in ["p0", "p1", "p2", "import"] {
                assert!(
                    !row.contains(&format!("\"{key}\"")) && !row.contains(&format!("|{key}|")),
                    "{row}"
                );
            }
            continue;
        }
        for word in ["regard", "attitude", "idle-lot"] {
            assert!(!row.contains(word), "{word} in {table}: {row}");
        }
    }
    assert_eq!(kept, 2, "two voices in one week");
    // Nothing to tell the two posts apart but their own words.
    let shape = |id: &str| {
        let rows = rig.export("posts");
        let mut row = rows.into_iter().find(|row| row["id"] == id).expect("a row");
        for field in ["id", "text", "published"] {
            row[field] = Value::Null;
        }
        row
    };
    assert_eq!(shape("p0")["topics"][0]["topic"], shape("p1")["topics"][0]["topic"]);
    assert_eq!(shape("p0")["risk"], shape("p1")["risk"]);
}

/// Services on a simulated clock over the rig's settings and store.
fn services(rig: &Rig, now: &str) -> Services {
    let settings = otklik::config::load_all(&rig.path("config/otklik.toml")).expect("settings");
    let district = District::load(&settings, false).expect("rules");
    let store = Store::open_play(&settings.store, settings.district.id.clone()).expect("a store");
    let clock: Arc<dyn Clock> = Arc::new(SimClock::new(at(now)));
    Services::connect(settings, clock, store, district).expect("services")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

async fn cleanup(rig: &Rig, now: &str) {
    let services = services(rig, now);
    let district = services.district.load_full();
    report::cleanup(&services, &district, at(now)).await.expect("done");
}

#[tokio::test]
async fn attitude_is_shown_from_five_voices_and_its_voices_go_when_the_week_closes() {
    let rig = Rig::new();
    let shown =
        |rig: &Rig| rig.run(&["digest", "2026-W47"]).out.contains("Отношение к администрации");
    // One person many times, nobody many times: two voices.
    let lines: Vec<Value> = (0..12)
        .map(|n| said(n, (n % 2 == 0).then_some("same"), &format!("Администрация спит ({n})")))
        .collect();
    rig.import(&lines, 0);
    rig.import(&people(12, 2, "Администрация спит"), 0);
    assert!(!shown(&rig), "four voices");
    rig.import(&people(14, 1, "Администрация спит"), 0);
    assert!(shown(&rig), "five voices");

    cleanup(&rig, "2026-11-22T15:00:00Z").await;
    assert!(tables(&rig).iter().any(|(table, _)| table == "attitude_voice"), "the week is open");
    cleanup(&rig, "2026-11-23T00:00:00Z").await;
    assert!(!tables(&rig).iter().any(|(table, _)| table == "attitude_voice"), "the week is closed");
    assert!(shown(&rig), "its number stays");
    rig.import(&people(30, 1, "Администрация спит"), 0);
    let late = tables(&rig);
    assert!(
        !late.iter().any(|(table, _)| table == "attitude_voice"),
        "a closed week takes no more"
    );
}

#[test]
fn a_page_in_its_own_name_counts_for_no_attitude() {
    let town = Town::new();
    let rig = &town.rig;
    for n in 0..7 {
        let name = format!("kanal_{n}");
        lock(&town.telegram).add_channel(&name, 1_700_000_100 + n, "Канал");
        lock(&town.telegram).post(&name, minutes_ago(30), "Администрация спит");
        let section =
            format!("[[source]]\nid = \"{name}\"\nplatform = \"telegram\"\nhandle = \"{name}\"\n");
        rig.add("config/sources.toml", &section);
    }
    assert_eq!(rig.run(&["collect", "--once"]).code, 0);
    assert_eq!(rig.export("posts").len(), 7);
    assert!(!tables(rig).iter().any(|(table, _)| table == "attitude_voice"));
}

#[tokio::test]
async fn texts_and_voices_go_when_their_time_is_over_and_counts_stay() {
    let rig = Rig::new();
    let words = "В Кедрово нет отопления возле зелёной мельницы";
    let mut lines = people(0, 2, words);
    lines.push(said(5, None, "Доброе утро, зелёная мельница"));
    {
        let services = services(&rig, "2026-11-20T00:00:00Z");
        import_at(&services, &lines).await;
    }
    let texts = |rig: &Rig| -> Vec<String> {
        let rows = rig.export("posts");
        rows.iter().map(|row| row["text"].as_str().unwrap_or_default().to_owned()).collect()
    };
    cleanup(&rig, "2027-02-17T00:00:00Z").await;
    assert!(texts(&rig).iter().all(|text| text.contains("мельниц")), "89 days");
    cleanup(&rig, "2027-02-19T00:00:00Z").await;
    assert_eq!(texts(&rig).iter().filter(|text| text.contains("мельниц")).count(), 2, "91 days");
    cleanup(&rig, "2027-11-22T00:00:00Z").await;
    assert!(texts(&rig).iter().all(|text| !text.contains("мельниц")), "367 days");
    let problem = &rig.export("problems")[0];
    assert_eq!((&problem["posts"], &problem["voices"]), (&json!(2), &json!(2)), "{problem}");
    assert_eq!(problem["state"], "closed", "nobody has written for a year");
    let left = tables(&rig);
    assert!(!left.iter().any(|(table, _)| table == "voice"), "voices have gone");
    for (path, bytes) in bytes_below(&rig.path("store")) {
        assert!(!holds(&bytes, "мельниц"), "{}", path.display());
    }
}

#[tokio::test]
async fn month_keys_are_destroyed_seven_days_behind_their_month() {
    let rig = Rig::new();
    let keys =
        |rig: &Rig| std::fs::read_to_string(rig.path("store/otklik.db.keys")).unwrap_or_default();
    {
        let services = services(&rig, "2026-11-20T00:00:00Z");
        import_at(&services, &people(0, 2, "В Кедрово нет отопления")).await;
    }
    let key = keys(&rig);
    assert!(key.starts_with("202611 ") && key.trim().len() == 7 + 64, "{} bytes", key.len());
    cleanup(&rig, "2026-12-07T23:59:59Z").await;
    assert_eq!(keys(&rig), key);
    cleanup(&rig, "2026-12-08T00:00:00Z").await;
    assert_eq!(keys(&rig), "", "destroyed");
    let hex = key.trim().split(' ').nth(1).expect("a key").to_owned();
    for (path, bytes) in bytes_below(&rig.path("store")) {
        assert!(!holds(&bytes, &hex), "{}", path.display());
    }
    // The daemon destroys them while it runs, too, and makes none for months that are over.
    let services = services(&rig, "2026-12-20T00:00:00Z");
    import_at(&services, &people(5, 1, "В Кедрово нет отопления")).await;
    assert_eq!(services.keys.months(), Vec::<u32>::new());
}

/// Imports as the command does, at the services' own time.
async fn import_at(services: &Services, lines: &[Value]) {
    use otklik_collectors::{Author, Counts, RawKind, RawPost};
    let district = services.district.load_full();
    let door = services.reading.load().door.clone();
    let batch = lines
        .iter()
        .map(|line| {
            let published = at(line["published"].as_str().expect("a time"));
            otklik::pipeline::import::Imported {
                source: "import".into(),
                platform: "import".to_owned(),
                place: None,
                raw: RawPost {
                    id: line["id"].as_str().expect("an id").to_owned(),
                    parent: None,
                    kind: RawKind::Post,
                    text: door.mask(line["text"].as_str().expect("a text")),
                    published: Some(published),
                    edited: None,
                    author: match line["author"].as_str() {
                        Some(author) => Author::Person(door.seed(author, published)),
                        None => Author::Anonymous,
                    },
                    official: false,
                    url: None,
                    counts: Counts::default(),
                    repost: false,
                },
            }
        })
        .collect();
    let now = services.clock.now();
    otklik::pipeline::import::import_batch(
        &services.store,
        &district,
        &door,
        batch,
        now,
        &mut Default::default(),
    )
    .await
    .expect("imported");
}

#[test]
fn a_page_in_its_own_name_counts_for_no_threshold() {
    let town = Town::new();
    let rig = &town.rig;
    for n in 0..5 {
        let text = format!("{RUMOUR}, слышали {n} раз");
        lock(&town.vk).world.post(OWNER, OWNER, minutes_ago(60 + n), &text);
        lock(&town.telegram).post(CHANNEL, minutes_ago(60 - n), &text);
    }
    town.writes(100_001, 20, RUMOUR);
    town.writes(100_002, 19, RUMOUR);
    assert_eq!(rig.run(&["collect", "--once"]).code, 0);
    let problem = &rig.export("problems")[0];
    assert_eq!((&problem["posts"], &problem["voices"]), (&json!(7), &json!(2)), "{problem}");
    assert!(rig.export("alerts").is_empty());
    town.writes(100_003, 18, RUMOUR);
    assert_eq!(rig.run(&["collect", "--once"]).code, 0);
    assert_eq!(rig.export("alerts").len(), 1);
    assert!(town.smtp.mails().is_empty(), "collect --once sends nothing");
    assert!(rig.export("deliveries").iter().all(|row| row["state"] == "pending"));
}

#[test]
fn what_lies_elsewhere_opens_no_problem_and_a_regional_page_brings_only_ours() {
    let town = Town::new();
    let rig = &town.rig;
    rig.import(&people(0, 4, "В Верхоречье горит дом"), 0);
    assert_eq!((rig.export("posts").len(), rig.export("problems").len()), (4, 0));
    let list = town.sources().replace("kind = \"news\"", "kind = \"news\"\nscope = \"region\"");
    rig.write("config/sources.toml", &list);
    {
        let mut rss = lock(&town.rss);
        let feed = rss.feed("/rss.xml").expect("a feed");
        feed.post(minutes_ago(50), "Горит дом", "<p>В городе горит дом</p>");
        feed.post(minutes_ago(49), "Горит дом", "<p>В Верхоречье горит дом</p>");
        feed.post(minutes_ago(48), "Горит дом", "<p>В Кедрово и в Верхоречье горит дом</p>");
    }
    assert_eq!(rig.run(&["collect", "--once", "rss-lesnoy"]).code, 0);
    let rows = rig.export("posts");
    let regional: Vec<&Value> = rows.iter().filter(|row| row["source"] == "rss-lesnoy").collect();
    assert_eq!(regional.len(), 1, "{regional:?}");
    assert!(regional[0]["text"].as_str().is_some_and(|text| text.contains("Кедрово")));
    let problems = rig.export("problems");
    assert_eq!((problems.len(), &problems[0]["place"]), (1, &json!("kedrovo")));
    for (path, bytes) in bytes_below(&rig.path("store")) {
        assert!(!holds(&bytes, "В городе горит"), "{}", path.display());
    }
}
