//! What becomes of VK's answers: good, odd, cut short.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use otklik_collectors::door::Door;
use otklik_collectors::http::{Request, Response};
use otklik_collectors::vk::{OwnCommunity, TokenKind, Vk, VkSettings};
use otklik_collectors::{
    Author, Class, CollectError, Collector, Cursor, Page, Platform, Ports, RawKind, RawPost,
    SourceKind, SourceSpec, Transport,
};

use crate::ports::{TestKeys, TestPorts, at};

const WALL: &str = include_str!("../../fixtures/vk/wall_get.json");
const BY_ID: &str = include_str!("../../fixtures/vk/wall_get_by_id.json");
const BY_ID_ARRAY: &str = include_str!("../../fixtures/vk/wall_get_by_id_array.json");
const COMMENTED: &str = include_str!("../../fixtures/vk/wall_get_commented.json");
const COMMENTS: &str = include_str!("../../fixtures/vk/wall_get_comments.json");
const ERROR_14: &str = include_str!("../../fixtures/vk/error_14.json");
const TOPICS: &str = include_str!("../../fixtures/vk/board_get_topics.json");
const SAID: &str = include_str!("../../fixtures/vk/board_get_comments.json");
const PHOTOS: &str = include_str!("../../fixtures/vk/photos_get_all_comments.json");
const SAID_OF_PHOTO: &str = include_str!("../../fixtures/vk/photos_get_comments.json");
const VIDEOS: &str = include_str!("../../fixtures/vk/video_get.json");
const SAID_OF_VIDEO: &str = include_str!("../../fixtures/vk/video_get_comments.json");
const EVENTS: &str = include_str!("../../fixtures/vk/long_poll.json");
const POLL_SERVER: &str = include_str!("../../fixtures/vk/groups_get_long_poll_server.json");
const EMPTY_WALL: &str = r#"{"response":{"count":0,"items":[]}}"#;
const DAY: i64 = 86_400;

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
        let path = request.url.split('?').next().unwrap_or_default();
        let method = path.rsplit('/').next().unwrap_or_default().to_owned();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let body = bodies.get(method.as_str()).cloned().unwrap_or_default();
        Ok(Response { status: 200, body, ..Response::default() })
    }
}

struct Reader {
    canned: Arc<Canned>,
    vk: Vk,
    source: SourceSpec,
}

impl Reader {
    fn new() -> Self {
        Reader::over(Arc::new(Canned::default()))
    }

    fn over(canned: Arc<Canned>) -> Self {
        let vk = Vk::new(VkSettings::new("MADEUPTOKEN"), TestPorts::new().over(canned.clone()));
        let source = SourceSpec {
            id: "village".to_owned(),
            platform: Platform::Vk,
            handle: "village".to_owned(),
            kind: SourceKind::Official,
            comments: true,
            platform_id: Some("-200001".to_owned()),
        };
        Reader { canned, vk, source }
    }

    async fn page(&self, cursor: Option<&Cursor>) -> Result<Page, CollectError> {
        self.vk.page(&self.source, cursor, at(-7 * DAY)).await
    }

    /// The cursor after a whole look at the first wall.
    async fn known(&self) -> Cursor {
        self.canned.put("wall.get", WALL);
        self.canned.put("wall.getById", WALL);
        let mut page = self.page(None).await.expect("reads");
        while page.more {
            page = self.page(Some(&page.cursor)).await.expect("reads");
        }
        page.cursor
    }
}

fn author(post: &RawPost) -> String {
    let Author::Person(seed) = &post.author else {
        return match post.author {
            Author::Source => "source".to_owned(),
            Author::Service => "service".to_owned(),
            _ => "nobody".to_owned(),
        };
    };
    let door = Door::new(Arc::new(TestKeys), []);
    let published = post.published.expect("a person's post has a date");
    let known = [100_001, 100_002, 100_003, -200_002]
        .into_iter()
        .find(|id| door.seed(&format!("vk:{id}"), published).voice("topic") == seed.voice("topic"));
    format!("{known:?}")
}

/// One line a post, in the order of ids.
fn lines(page: &Page) -> Vec<String> {
    let mut posts: Vec<&RawPost> = page.posts.iter().collect();
    posts.sort_by(|a, b| a.id.cmp(&b.id));
    let line = |post: &&RawPost| {
        let mut line = format!("{} {}", post.id, author(post));
        if post.official {
            line.push_str(" official");
        }
        if post.repost {
            line.push_str(" repost");
        }
        if let Some(edited) = post.edited {
            line.push_str(&format!(" edited {}", edited.as_second()));
        }
        if post.kind == RawKind::Comment {
            line.push_str(&format!(" under {}", post.parent.as_deref().unwrap_or("?")));
        }
        format!("{line}: {}", post.text.as_str())
    };
    posts.iter().map(line).collect()
}

#[tokio::test]
async fn a_wall_becomes_posts() {
    let reader = Reader::new();
    reader.canned.put("wall.get", WALL);
    let page = reader.page(None).await.expect("reads");
    let expected = [
        "vk:-200001_11 source official: Телефоны служб & график приёма",
        "vk:-200001_27 nobody: Кто знает, когда починят мост?",
        "vk:-200001_30 source official: ",
        "vk:-200001_31 source official repost: Отключат свет 5 марта",
        "vk:-200001_39 Some(-200002): Объявление соседнего сообщества",
        "vk:-200001_40 Some(100001) edited 1772400600: Третий день нет воды\nна Заречной",
    ];
    assert_eq!(lines(&page), expected);
    assert_eq!((page.facts.unreadable, page.facts.pictures_only), (1, 1));
    assert_eq!(page.facts.platform_id.as_deref(), Some("-200001"));
    assert!(page.gone.is_empty() && page.more, "numbers between the posts are asked for");
    let post = page.posts.iter().find(|post| post.id.ends_with("_40")).expect("there");
    assert_eq!(post.url.as_deref(), Some("https://vk.com/wall-200001_40"));
    assert_eq!(post.counts.views, Some(10));
    assert_eq!(post.counts.reposts, None);
    assert_eq!(post.published.map(|at| at.as_second()), Some(1_772_400_000));
}

#[tokio::test]
async fn comments_become_posts_with_parents() {
    let reader = Reader::new();
    reader.canned.put("wall.get", COMMENTED);
    reader.canned.put("wall.getComments", COMMENTS);
    let first = reader.page(None).await.expect("reads");
    assert!(first.more);
    let page = reader.page(Some(&first.cursor)).await.expect("reads");
    let expected = [
        "vk:-200001_61 Some(100001) under vk:-200001_60: На Советской не убрано",
        "vk:-200001_63 source official under vk:-200001_61: Передали дорожникам",
        "vk:-200001_64 Some(100002) under vk:-200001_61: И на Школьной",
        "vk:-200001_65 Some(100001) under vk:-200001_60: Согласна",
        "vk:-200001_66 Some(-200002) under vk:-200001_60: ",
    ];
    assert_eq!(lines(&page), expected);
    assert_eq!(page.gone, ["vk:-200001_62"]);
    assert_eq!((page.facts.unreadable, page.facts.pictures_only), (1, 1));
    let url = |id: &str| {
        let post = page.posts.iter().find(|post| post.id.ends_with(id)).expect("there");
        post.url.clone().unwrap_or_default()
    };
    assert_eq!(url("_61"), "https://vk.com/wall-200001_60?reply=61");
    assert_eq!(url("_64"), "https://vk.com/wall-200001_60?reply=64&thread=61");
}

/// A listed service account of a body, a community's or its own: official in any community, and
/// nobody's voice; whoever is not listed stays a voice.
#[tokio::test]
async fn a_listed_service_account_is_official_and_no_voice() {
    let mut reader = Reader::new();
    reader.source.kind = SourceKind::Community;
    let ports = TestPorts::new().over(reader.canned.clone());
    let listed = ["vk:-200002".to_owned(), "vk:100002".to_owned()];
    let door = ports.door.clone().with_services(listed.into());
    reader.vk = Vk::new(VkSettings::new("MADEUPTOKEN"), Ports { door, ..ports });
    reader.canned.put("wall.get", COMMENTED);
    reader.canned.put("wall.getComments", COMMENTS);
    let first = reader.page(None).await.expect("reads");
    let page = reader.page(Some(&first.cursor)).await.expect("reads");
    let expected = [
        "vk:-200001_61 Some(100001) under vk:-200001_60: На Советской не убрано",
        "vk:-200001_63 source under vk:-200001_61: Передали дорожникам",
        "vk:-200001_64 service official under vk:-200001_61: И на Школьной",
        "vk:-200001_65 Some(100001) under vk:-200001_60: Согласна",
        "vk:-200001_66 service official under vk:-200001_60: ",
    ];
    assert_eq!(lines(&page), expected);
}

#[tokio::test]
async fn a_missed_post_is_gone_only_by_an_explicit_answer() {
    for by_id in [BY_ID, BY_ID_ARRAY] {
        let reader = Reader::new();
        let known = reader.known().await;
        let wall: serde_json::Value = serde_json::from_str(WALL).expect("a fixture");
        let mut shorter = wall.clone();
        let items = shorter["response"]["items"].as_array_mut().expect("items");
        items.retain(|post| post["id"] == 40 || post["id"] == 39);
        shorter["response"]["count"] = 2.into();
        reader.canned.put("wall.get", shorter.to_string());
        reader.canned.put("wall.getById", by_id);
        let walked = reader.page(Some(&known)).await.expect("reads");
        assert!(walked.gone.is_empty() && walked.more);
        let asked = reader.page(Some(&walked.cursor)).await.expect("reads");
        let expected = [11, 27, 30, 31].map(|id| format!("vk:-200001_{id}"));
        assert_eq!(asked.gone, expected);
    }
}

/// Bodies that are JSON and yet no proof of anything.
const ODD: [&str; 12] = [
    "{}",
    "[]",
    "null",
    r#"{"response":null}"#,
    r#"{"response":{}}"#,
    r#"{"response":[]}"#,
    r#"{"response":0}"#,
    r#"{"response":{"count":0,"items":[]}}"#,
    r#"{"response":{"count":"many","items":{}}}"#,
    r#"{"response":{"count":5,"items":[null,false,{"id":3},{"deleted":true}]}}"#,
    r#"{"error":{"error_code":10,"error_msg":""}}"#,
    r#"{"error":{"error_code":424242,"error_msg":"?"}}"#,
];

#[tokio::test]
async fn odd_answers_delete_nothing() {
    let reader = Reader::new();
    let known = reader.known().await;
    for wall in ODD {
        for by_id in ODD {
            reader.canned.put("wall.get", wall);
            reader.canned.put("wall.getById", by_id);
            let Ok(page) = reader.page(Some(&known)).await else { continue };
            assert!(page.gone.is_empty(), "{wall}");
            let Ok(page) = reader.page(Some(&page.cursor)).await else { continue };
            assert!(page.gone.is_empty(), "{wall} {by_id}");
        }
    }
    reader.canned.put("wall.get", COMMENTED);
    reader.canned.put("wall.getComments", COMMENTS);
    let walked = Reader::page(&reader, None).await.expect("reads");
    for comments in ODD {
        reader.canned.put("wall.getComments", comments);
        let Ok(page) = reader.page(Some(&walked.cursor)).await else { continue };
        assert!(page.gone.is_empty() && page.posts.is_empty(), "{comments}");
    }
}

#[tokio::test]
async fn an_empty_wall_is_believed_at_the_second_look() {
    let reader = Reader::new();
    reader.canned.put("wall.get", COMMENTED.replace("\"count\": 7", "\"count\": 0"));
    reader.canned.put("board.getTopics", EMPTY_WALL);
    let first = reader.page(None).await.expect("reads");
    let mut cursor = reader.page(Some(&first.cursor)).await.expect("reads").cursor;
    reader.canned.put("wall.get", EMPTY_WALL);
    reader.canned.put("wall.getById", r#"{"response":{"items":[]}}"#);
    for (look, expected) in [(1, None), (2, Some("vk:-200001_60"))] {
        let walked = reader.page(Some(&cursor)).await.expect("reads");
        let asked = reader.page(Some(&walked.cursor)).await.expect("reads");
        assert_eq!(asked.gone.first().map(String::as_str), expected, "look {look}");
        cursor = asked.cursor;
        if asked.more {
            cursor = reader.page(Some(&cursor)).await.expect("no board is no trouble").cursor;
        }
    }
}

/// Every answer, cut at every byte, is an error: nothing is gone and no cursor moves.
#[tokio::test]
async fn cut_answers_are_errors() {
    let reader = Reader::new();
    let known = reader.known().await;
    let shorter = COMMENTED;
    reader.canned.put("wall.get", shorter);
    reader.canned.put("wall.getComments", COMMENTS);
    let commenting = reader.page(Some(&known)).await.expect("reads").cursor;
    let missing = {
        let after = reader.page(Some(&commenting)).await.expect("reads");
        assert!(after.more, "the posts of the first wall are missed now");
        after.cursor
    };
    for (method, body, cursor) in [
        ("wall.get", WALL, None),
        ("wall.get", WALL, Some(&known)),
        ("wall.getComments", COMMENTS, Some(&commenting)),
        ("wall.getById", BY_ID, Some(&missing)),
        ("wall.getById", BY_ID_ARRAY, Some(&missing)),
        ("wall.get", ERROR_14, Some(&known)),
    ] {
        let body = body.trim_end().as_bytes();
        for end in 0..body.len() {
            // A fresh reader each time: a budget used up must not hide what is tested.
            let reader = Reader::over(reader.canned.clone());
            reader.canned.put(method, &body[..end]);
            let error = reader.page(cursor).await.err();
            let class = error.map(|error| error.class);
            assert_eq!(class, Some(Class::Malformed), "{method} cut at {end}");
        }
    }
}

/// The last method that was asked for.
fn last(canned: &Canned) -> String {
    let asked = canned.asked.lock().unwrap_or_else(PoisonError::into_inner);
    let url = asked.last().map(|request| request.url.clone()).unwrap_or_default();
    url.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned()
}

/// A board cut at any byte, and every odd answer, deletes nothing and hands nothing over; what was
/// known stays known and is read once the board answers again.
#[tokio::test]
async fn cut_boards_change_nothing() {
    let bodies = [("board.getTopics", TOPICS), ("board.getComments", SAID)];
    let expected = ["vk:-200001_topic5", "vk:-200001_topic5_1", "vk:-200001_topic5_2"];
    cut_asides(&|canned| Reader::over(canned), &bodies, &expected).await;
}

/// The same of what is said below photos and videos of our own.
#[tokio::test]
async fn cut_photos_and_videos_change_nothing() {
    let bodies = [
        ("photos.getAllComments", PHOTOS),
        ("photos.getComments", SAID_OF_PHOTO),
        ("video.get", VIDEOS),
        ("video.getComments", SAID_OF_VIDEO),
    ];
    let expected = [
        "vk:-200001_photo31_6",
        "vk:-200001_photo31_7",
        "vk:-200001_video12",
        "vk:-200001_video12_4",
    ];
    let own = |canned: Arc<Canned>| {
        let community = OwnCommunity { group: 200_001, token: Ok("MADEUPOWN".to_owned()) };
        let settings = VkSettings {
            token_kind: TokenKind::User,
            communities: vec![community],
            ..VkSettings::new("MADEUPTOKEN")
        };
        let vk = Vk::new(settings, TestPorts::new().over(canned.clone()));
        Reader { vk, ..Reader::over(canned) }
    };
    cut_asides(&own, &bodies, &expected).await;
}

/// Reads beside the wall what `bodies` hold, which is `expected`; then each of them cut.
async fn cut_asides(
    made: &dyn Fn(Arc<Canned>) -> Reader,
    bodies: &[(&'static str, &str)],
    expected: &[&str],
) {
    let reader = made(Arc::default());
    reader.canned.put("wall.get", WALL);
    reader.canned.put("wall.getById", WALL);
    reader.canned.put("board.getTopics", EMPTY_WALL);
    for (method, body) in bodies {
        reader.canned.put(method, *body);
    }
    // The cursors from which each method is asked.
    let mut stages = Vec::new();
    let mut cursor: Option<Cursor> = None;
    let mut ids = Vec::new();
    loop {
        let page = reader.page(cursor.as_ref()).await.expect("reads");
        let method = last(&reader.canned);
        if let Some((name, body)) = bodies.iter().find(|(name, _)| *name == method) {
            stages.push((*name, *body, cursor.clone()));
            ids.extend(page.posts.iter().map(|post| post.id.clone()));
        }
        cursor = Some(page.cursor);
        if !page.more {
            break;
        }
    }
    assert_eq!(ids, expected);
    assert_eq!(stages.len(), bodies.len());
    for (method, body, cursor) in stages {
        let cuts = (0..body.trim_end().len()).map(|end| &body.as_bytes()[..end]);
        for bad in cuts.chain(ODD.iter().map(|odd| odd.as_bytes())) {
            let reader = made(reader.canned.clone());
            reader.canned.put(method, bad);
            let page = reader.page(cursor.as_ref()).await.expect("the wall goes on");
            let shown = String::from_utf8_lossy(bad).into_owned();
            assert!(page.gone.is_empty() && page.posts.is_empty(), "{method}: {shown}");
        }
        reader.canned.put(method, body);
    }
}

/// The events of a community of our own, cut at any byte: no hint, no deletion, and the look is a
/// whole one.
#[tokio::test]
async fn cut_events_are_no_hints() {
    let own = |canned: &Arc<Canned>| {
        let mut settings = VkSettings::new("MADEUPTOKEN");
        settings.communities =
            vec![OwnCommunity { group: 200_001, token: Ok("MADEUPOWN".to_owned()) }];
        let vk = Vk::new(settings, TestPorts::new().over(canned.clone()));
        Reader { vk, ..Reader::over(canned.clone()) }
    };
    let reader = own(&Arc::new(Canned::default()));
    reader.canned.put("groups.getLongPollServer", POLL_SERVER);
    reader.canned.put("wh200001", r#"{"ts":"713","updates":[]}"#);
    reader.canned.put("board.getTopics", EMPTY_WALL);
    let known = reader.known().await;
    reader.canned.put("wh200001", EVENTS);
    let page = own(&reader.canned).page(Some(&known)).await.expect("reads");
    assert_eq!(page.gone, ["vk:-200001_42"]);
    assert_eq!(lines(&page), ["vk:-200001_41 Some(100001) under vk:-200001_40: Воды нет"]);
    let body = EVENTS.trim_end().as_bytes();
    let cuts = (0..body.len()).map(|end| &body[..end]);
    for bad in cuts.chain(ODD.iter().map(|odd| odd.as_bytes())) {
        reader.canned.put("wh200001", bad);
        let page = own(&reader.canned).page(Some(&known)).await.expect("the wall is asked");
        let shown = String::from_utf8_lossy(bad).into_owned();
        assert!(page.gone.is_empty() && page.posts.is_empty() && page.more, "{shown}");
    }
}

#[tokio::test]
async fn the_token_travels_in_a_header_and_nowhere_else() {
    let reader = Reader::new();
    reader.canned.put("wall.get", ERROR_14);
    let error = reader.page(None).await.err().expect("a captcha");
    assert_eq!((error.class, error.code.as_str()), (Class::NeedsPerson, "vk 14"));
    assert!(error.until.is_some());
    let shown = format!("{error} {error:?} {:?}", VkSettings::new("MADEUPTOKEN"));
    assert!(!shown.contains("MADEUP"), "{shown}");
    let asked = reader.canned.asked.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(asked.len(), 1, "a captcha is not asked for twice");
    for request in asked.iter() {
        assert!(!request.url.contains("MADEUP"));
        assert!(request.form.iter().all(|(_, value)| !value.contains("MADEUP")));
        assert!(request.form.contains(&("v".to_owned(), "5.199".to_owned())));
        let bearer = ("authorization".to_owned(), "Bearer MADEUPTOKEN".to_owned());
        assert!(request.headers.contains(&bearer));
    }
}
