//! What becomes of OK's answers: good, odd, cut short.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use otklik_collectors::door::Door;
use otklik_collectors::http::{Request, Response};
use otklik_collectors::ok::Odnoklassniki;
use otklik_collectors::{
    Author, Class, CollectError, Collector, Cursor, Page, Platform, RawKind, RawPost, SourceKind,
    SourceSpec, Transport,
};

use super::rig::{ANNA, BORIS, DAY, GROUP, settings};
use crate::ports::{TestKeys, TestPorts, at};

const TOPICS: &str = include_str!("../../../fixtures/ok/topics.json");
const COMMENTED: &str = include_str!("../../../fixtures/ok/topics_commented.json");
const BY_ID: &str = include_str!("../../../fixtures/ok/topics_by_id.json");
const COMMENTS: &str = include_str!("../../../fixtures/ok/comments.json");
const DISCUSSIONS: &str = include_str!("../../../fixtures/ok/discussions.json");
const DISCUSSION: &str = include_str!("../../../fixtures/ok/discussion.json");
const GROUP_INFO: &str = include_str!("../../../fixtures/ok/group.json");
const URL: &str = include_str!("../../../fixtures/ok/url.json");
const ERROR_102: &str = include_str!("../../../fixtures/ok/error_102.json");
const NO_LIST: &str = r#"{"discussions":[],"has_more":false}"#;

/// Answers every method with a fixed body and remembers the requests.
#[derive(Default)]
struct Canned {
    bodies: Mutex<BTreeMap<&'static str, Vec<u8>>>,
    asked: Mutex<Vec<Request>>,
}

impl Canned {
    fn put(&self, method: &'static str, body: impl Into<Vec<u8>>) {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).insert(method, body.into());
    }
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: Request) -> Result<Response, CollectError> {
        let method = request.form.iter().find(|(name, _)| name == "method");
        let method = method.map(|(_, method)| method.clone()).unwrap_or_default();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let body = bodies.get(method.as_str()).cloned().unwrap_or_default();
        Ok(Response { status: 200, body, ..Response::default() })
    }
}

struct Reader {
    canned: Arc<Canned>,
    ok: Odnoklassniki,
    source: SourceSpec,
}

impl Reader {
    fn new() -> Self {
        let canned = Arc::new(Canned::default());
        canned.put("discussions.getList", NO_LIST);
        Reader::over(canned)
    }

    fn over(canned: Arc<Canned>) -> Self {
        let ok = Odnoklassniki::new(settings(), TestPorts::new().over(canned.clone()));
        let source = SourceSpec {
            id: "village".to_owned(),
            platform: Platform::Ok,
            handle: "village".to_owned(),
            kind: SourceKind::Official,
            comments: true,
            platform_id: Some(GROUP.to_string()),
        };
        Reader { canned, ok, source }
    }

    async fn page(&self, cursor: Option<&Cursor>) -> Result<Page, CollectError> {
        self.ok.page(&self.source, cursor, at(-7 * DAY)).await
    }
}

fn author(post: &RawPost) -> String {
    let Author::Person(seed) = &post.author else {
        return match post.author {
            Author::Source => "source".to_owned(),
            _ => "nobody".to_owned(),
        };
    };
    let door = Door::new(Arc::new(TestKeys), []);
    let published = post.published.expect("a person's post has a date");
    let names = [("anna", ANNA.to_string()), ("boris", BORIS.to_string())];
    let names = names.into_iter().chain([("neighbours", format!("group{}", GROUP + 1))]);
    let same = |of: &str| door.seed(&format!("ok:{of}"), published).voice("t") == seed.voice("t");
    names.into_iter().find(|(_, of)| same(of)).map_or("?", |(name, _)| name).to_owned()
}

/// One line a post, in the order of ids.
fn lines(page: &Page) -> Vec<String> {
    let mut posts: Vec<&RawPost> = page.posts.iter().collect();
    posts.sort_by(|a, b| a.id.cmp(&b.id));
    let short = |id: &str| id.replace(&format!("ok:{GROUP}_"), "");
    let line = |post: &&RawPost| {
        let mut line = format!("{} {}", short(&post.id), author(post));
        if post.official {
            line.push_str(" official");
        }
        if post.repost {
            line.push_str(" repost");
        }
        if post.kind == RawKind::Comment {
            let parent = post.parent.as_deref().unwrap_or("?");
            line.push_str(&format!(" under {}", short(parent)));
        }
        format!("{line}: {}", post.text.as_str())
    };
    posts.iter().map(line).collect()
}

#[tokio::test]
async fn topics_become_posts() {
    let reader = Reader::new();
    reader.canned.put("mediatopic.getTopics", TOPICS);
    let page = reader.page(None).await.expect("reads");
    let expected = [
        "150000000000090 source official: Телефоны служб & график приёма",
        "150000000000103 nobody: Отключат свет 5 марта\nС 9 до 17",
        "150000000000104 source official: ",
        "150000000000105 source official repost: Ремонт моста до пятницы",
        "150000000000106 neighbours: Соседи-примеры: объявление",
        "150000000000107 anna: Третий день нет воды\nна Заречной",
    ];
    assert_eq!(lines(&page), expected, "the one held on top counts comments, the last is old");
    assert_eq!((page.facts.unreadable, page.facts.pictures_only), (1, 1));
    assert_eq!(page.facts.platform_id, Some(GROUP.to_string()));
    let post = page.posts.iter().find(|post| post.id.ends_with("107")).expect("there");
    let url = format!("https://ok.ru/group/{GROUP}/topic/150000000000107");
    assert_eq!(post.url, Some(url));
    assert_eq!((post.counts.likes, post.counts.reposts), (Some(5), Some(2)));
    assert_eq!(post.published.map(|at| at.as_second()), Some(1_772_400_000));
    assert!(page.gone.is_empty() && page.more);
}

#[tokio::test]
async fn comments_become_posts_with_parents() {
    let reader = Reader::new();
    reader.canned.put("mediatopic.getTopics", COMMENTED);
    reader.canned.put("discussions.getComments", COMMENTS);
    let first = reader.page(None).await.expect("reads");
    assert!(first.more);
    let page = reader.page(Some(&first.cursor)).await.expect("reads");
    let of = |number: u64| format!("150000000000120_160000000000{number}");
    let mut got = lines(&page);
    let opaque = got.remove(4);
    let expected = [
        format!("{} anna under 150000000000120: На Советской не убрано", of(1)),
        format!("{} source official under {}: Передали дорожникам", of(2), of(1)),
        format!("{} boris under {}: [имя], и на Школьной", of(3), of(2)),
        format!("{} neighbours under 150000000000120: ", of(4)),
    ];
    assert_eq!(got, expected);
    assert!(opaque.ends_with("anna under 150000000000120: Согласна"), "{opaque}");
    assert!(!opaque.contains("MTM0"), "an opaque id may hold a person: {opaque}");
    assert_eq!(page.gone, [format!("ok:{GROUP}_{}", of(5))]);
    assert_eq!((page.facts.unreadable, page.facts.pictures_only), (1, 1));
    let moscow = page.posts.iter().find(|post| post.id.ends_with("0002")).expect("there");
    assert_eq!(moscow.published.map(|at| at.as_second()), Some(1_772_400_100));
}

#[tokio::test]
async fn photos_and_films_that_people_talk_below_become_posts() {
    let reader = Reader::new();
    reader.canned.put("mediatopic.getTopics", r#"{"media_topics":[],"has_more":false}"#);
    reader.canned.put("discussions.getList", DISCUSSIONS);
    let first = reader.page(None).await.expect("reads");
    let page = reader.page(Some(&first.cursor)).await.expect("reads");
    assert_eq!(
        lines(&page),
        [
            "movie700000000003 source official: ",
            "photo900000000003 source \
        official: Яма у школы"
        ]
    );
    assert_eq!((page.facts.unreadable, page.facts.pictures_only), (1, 1));
    reader.canned.put("discussions.getComments", COMMENTS);
    let comments = reader.page(Some(&page.cursor)).await.expect("reads");
    assert!(lines(&comments)[0].starts_with("photo900000000003_1600000000001 anna under photo"));
    let asked = reader.canned.asked.lock().unwrap_or_else(PoisonError::into_inner);
    let form = &asked.last().expect("asked").form;
    let kind = ("discussionType".to_owned(), "GROUP_PHOTO".to_owned());
    assert!(form.contains(&kind), "{form:?}");
}

#[tokio::test]
async fn a_missed_topic_is_gone_only_by_an_explicit_answer() {
    let reader = Reader::new();
    reader.canned.put("mediatopic.getTopics", TOPICS);
    let mut cursor = reader.page(None).await.expect("reads").cursor;
    reader.canned.put("discussions.getComments", r#"{"comments":[],"has_more":false}"#);
    for _ in 0..9 {
        let page = reader.page(Some(&cursor)).await.expect("reads");
        assert!(page.gone.is_empty());
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    reader.canned.put("mediatopic.getTopics", COMMENTED);
    reader.canned.put("mediatopic.getByIds", BY_ID);
    reader.canned.put("discussions.getComments", COMMENTS);
    let mut gone = Vec::new();
    for _ in 0..9 {
        let page = reader.page(Some(&cursor)).await.expect("reads");
        gone.extend(page.gone.into_iter().filter(|id| !id.ends_with("_1600000000005")));
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    let expected = [103, 104, 105, 106, 107].map(|id| format!("ok:{GROUP}_150000000000{id}"));
    assert_eq!(gone, expected);
}

/// Bodies that are JSON and yet no proof of anything.
const ODD: [&str; 10] = [
    "{}",
    "[]",
    "null",
    r#"{"media_topics":null,"comments":null,"discussions":null}"#,
    r#"{"media_topics":[],"comments":[],"discussions":[],"has_more":true,"anchor":"x"}"#,
    r#"{"media_topics":{},"comments":{},"discussions":7,"discussion":[]}"#,
    r#"{"media_topics":[null,{"id":"3"}],"comments":[{"id":""},5],"discussions":[[]]}"#,
    r#"{"error_code":2,"error_msg":"SERVICE","error_data":null}"#,
    r#"{"error_code":"many"}"#,
    r#"{"error_code":424242,"error_msg":"?"}"#,
];

#[tokio::test]
async fn odd_answers_delete_nothing() {
    let reader = Reader::new();
    reader.canned.put("mediatopic.getTopics", COMMENTED);
    reader.canned.put("discussions.getComments", COMMENTS);
    let first = reader.page(None).await.expect("reads");
    let known = reader.page(Some(&first.cursor)).await.expect("reads").cursor;
    for odd in ODD {
        let methods = ["mediatopic.getTopics", "mediatopic.getByIds", "discussions.getComments"];
        for method in methods {
            let reader = Reader::new();
            for good in methods {
                reader.canned.put(good, odd);
            }
            reader.canned.put(method, odd);
            reader.canned.put("discussions.getList", odd);
            let mut cursor = known.clone();
            for _ in 0..9 {
                let Ok(page) = reader.page(Some(&cursor)).await else { break };
                assert!(page.gone.is_empty(), "{method} {odd}");
                cursor = page.cursor;
                if !page.more {
                    break;
                }
            }
        }
    }
}

/// Every answer, cut at every byte, is an error: nothing is gone and no cursor moves.
#[tokio::test]
async fn cut_answers_are_errors() {
    let reader = Reader::new();
    reader.canned.put("mediatopic.getTopics", COMMENTED);
    reader.canned.put("discussions.getComments", COMMENTS);
    let commenting = reader.page(None).await.expect("reads").cursor;
    let listing = reader.page(Some(&commenting)).await.expect("reads").cursor;
    reader.canned.put("discussions.getList", DISCUSSIONS);
    let mut cursor = listing.clone();
    loop {
        let page = reader.page(Some(&cursor)).await.expect("reads");
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    let known = cursor;
    reader.canned.put("mediatopic.getTopics", r#"{"media_topics":[],"has_more":false}"#);
    reader.canned.put("discussions.getList", NO_LIST);
    let walked = reader.page(Some(&known)).await.expect("reads").cursor;
    let missing = reader.page(Some(&walked)).await.expect("reads").cursor;
    reader.canned.put("mediatopic.getByIds", BY_ID);
    // The comments of the topic found again come before the photo.
    let found = reader.page(Some(&missing)).await.expect("reads").cursor;
    let photo = reader.page(Some(&found)).await.expect("reads").cursor;
    for (method, body, cursor) in [
        ("mediatopic.getTopics", TOPICS, None),
        ("mediatopic.getTopics", COMMENTED, Some(&known)),
        ("discussions.getComments", COMMENTS, Some(&commenting)),
        ("discussions.getList", DISCUSSIONS, Some(&walked)),
        ("mediatopic.getByIds", BY_ID, Some(&missing)),
        ("discussions.get", DISCUSSION, Some(&photo)),
        ("mediatopic.getTopics", ERROR_102, Some(&known)),
        ("url.getInfo", URL, None),
        ("group.getInfo", GROUP_INFO, None),
    ] {
        let body = body.trim_end().as_bytes();
        for end in 0..body.len() {
            // A fresh reader each time: a budget used up must not hide what is tested.
            let mut reader = Reader::over(reader.canned.clone());
            if method == "url.getInfo" || method == "group.getInfo" {
                reader.source.platform_id = None;
                reader.canned.put("url.getInfo", URL);
            }
            reader.canned.put(method, &body[..end]);
            let class = reader.page(cursor).await.err().map(|error| error.class);
            assert_eq!(class, Some(Class::Malformed), "{method} cut at {end}");
        }
        reader.canned.put(method, body);
    }
}

#[tokio::test]
async fn keys_travel_in_the_body_and_nowhere_else() {
    let reader = Reader::new();
    reader.canned.put("mediatopic.getTopics", ERROR_102);
    let error = reader.page(None).await.err().expect("expired");
    assert_eq!((error.class, error.code.as_str()), (Class::NeedsPerson, "ok 102"));
    let shown = format!("{error} {error:?} {:?}", settings());
    assert!(!shown.contains("MADEUP"), "{shown}");
    let asked = reader.canned.asked.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(asked.len(), 1, "an expired token is not asked with twice");
    for request in asked.iter() {
        assert!(!request.url.contains('?') && !request.url.contains("MADEUP"));
        assert!(request.form.iter().all(|(_, value)| value != "MADEUPSECRET"));
        assert!(request.form.iter().any(|(name, value)| name == "sig" && value.len() == 32));
    }
}
