//! What becomes of MAX's answers: good, odd, cut short.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use otklik_collectors::door::Door;
use otklik_collectors::http::{Request, Response};
use otklik_collectors::max::{Max, MaxSettings};
use otklik_collectors::{
    Author, Class, CollectError, Collector, Cursor, Page, Platform, RawKind, RawPost, SourceKind,
    SourceSpec, Transport,
};

use super::rig::{ANNA, BORIS, CHAT, DAY, HOUR, source};
use crate::ports::{TestKeys, TestPorts, at};

const MESSAGES: &str = include_str!("../../../fixtures/max/messages.json");
const CHANNEL_POST: &str = include_str!("../../../fixtures/max/channel.json");
const UPDATES: &str = include_str!("../../../fixtures/max/updates.json");
const CHAT_BODY: &str = include_str!("../../../fixtures/max/chat.json");
const MEMBER: &str = include_str!("../../../fixtures/max/member.json");
const ERROR_401: &str = include_str!("../../../fixtures/max/error_401.json");
const NOTHING: &str = r#"{"updates":[],"marker":1}"#;
const EMPTY: &str = r#"{"messages":[]}"#;

/// Answers every kind of request with a fixed status and body and remembers the requests.
#[derive(Default)]
struct Canned {
    bodies: Mutex<BTreeMap<&'static str, (u16, Vec<u8>)>>,
    asked: Mutex<Vec<Request>>,
}

impl Canned {
    fn put(&self, what: &'static str, body: impl Into<Vec<u8>>) {
        self.put_status(what, 200, body);
    }

    fn put_status(&self, what: &'static str, status: u16, body: impl Into<Vec<u8>>) {
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.insert(what, (status, body.into()));
    }
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: Request) -> Result<Response, CollectError> {
        let what = match request.url.as_str() {
            url if url.contains("message_ids=") => "by names",
            url if url.contains("from=") => "older",
            url if url.contains("/messages") => "messages",
            url if url.contains("/updates") => "updates",
            url if url.contains("/members/me") => "member",
            _ => "chat",
        };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let (status, body) = bodies.get(what).cloned().unwrap_or((200, Vec::new()));
        Ok(Response { status, body, ..Response::default() })
    }
}

struct Reader {
    canned: Arc<Canned>,
    ports: TestPorts,
    max: Max,
    source: SourceSpec,
}

impl Reader {
    fn new() -> Self {
        let canned = Arc::new(Canned::default());
        canned.put("updates", NOTHING);
        canned.put("chat", CHAT_BODY);
        canned.put("member", MEMBER);
        canned.put("messages", MESSAGES);
        canned.put("older", EMPTY);
        Reader::over(canned)
    }

    fn over(canned: Arc<Canned>) -> Self {
        let ports = TestPorts::new();
        let max = Max::new(MaxSettings::new("MADEUPTOKEN"), ports.over(canned.clone()));
        let source = SourceSpec { kind: SourceKind::Official, ..source(&CHAT.to_string()) };
        assert_eq!(source.platform, Platform::Max);
        Reader { canned, ports, max, source }
    }

    async fn page(&self, cursor: Option<&Cursor>) -> Result<Page, CollectError> {
        self.max.page(&self.source, cursor, at(-7 * DAY)).await
    }

    /// Reads so many pages from a cursor on; gives the last one.
    async fn pages(&self, cursor: Option<&Cursor>, many: usize) -> Page {
        let mut page = self.page(cursor).await.expect("reads");
        for _ in 1..many {
            page = self.page(Some(&page.cursor)).await.expect("reads");
        }
        page
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
    let same = |of: i64| door.seed(&format!("max:{of}"), published).voice("t") == seed.voice("t");
    let names = [("anna", ANNA), ("boris", BORIS)];
    names.into_iter().find(|(_, of)| same(*of)).map_or("?", |(name, _)| name).to_owned()
}

/// One line a post, in the order of the page.
fn lines(page: &Page) -> Vec<String> {
    let short = |id: &str| id.replace(&format!("max:{CHAT}_mid.ffff00000000000"), "");
    let line = |post: &RawPost| {
        let mut line = format!("{} {}", short(&post.id), author(post));
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
            line.push_str(&format!(" under {}", short(post.parent.as_deref().unwrap_or("?"))));
        }
        format!("{line}: {}", post.text.as_str())
    };
    page.posts.iter().map(line).collect()
}

#[tokio::test]
async fn messages_become_posts() {
    let reader = Reader::new();
    let page = reader.pages(None, 2).await;
    let forward = format!("max:{CHAT}_fwd1772400300000.mid.ffff000000000099");
    let expected = [
        "1 boris: Нет воды".to_owned(),
        "2 nobody: ".to_owned(),
        format!("{forward} boris repost: Отключат свет 5 марта"),
        "4 anna under 1: И у нас на Заречной".to_owned(),
    ];
    assert_eq!(lines(&page), expected, "a message comes before its answers");
    assert_eq!((page.facts.unreadable, page.facts.pictures_only), (1, 1));
    assert_eq!(page.facts.platform_id, Some(CHAT.to_string()));
    let end = reader.pages(Some(&page.cursor), 1).await;
    assert!(!end.more && end.posts.is_empty());
    assert_eq!(end.facts.comments_closed, 0, "a chat has no comments apart");
    let asked = reader.canned.asked.lock().unwrap_or_else(PoisonError::into_inner);
    let older = &asked.last().expect("asked").url;
    assert!(older.contains("from=1772400100001"), "the upper bound is called from: {older}");
}

#[tokio::test]
async fn a_channel_speaks_in_its_own_name_and_its_comments_stay_unread() {
    let reader = Reader::new();
    reader.canned.put("chat", CHAT_BODY.replace("\"chat\"", "\"channel\""));
    reader.canned.put("messages", CHANNEL_POST);
    let page = reader.pages(None, 2).await;
    assert_eq!(lines(&page), ["1 source official: Отключение воды 2 марта"]);
    let post = &page.posts[0];
    assert_eq!(post.url.as_deref(), Some("https://max.ru/example/AZabcdef"));
    assert_eq!(post.counts.views, Some(12));
    let end = reader.page(Some(&page.cursor)).await.expect("reads");
    assert!(!end.more);
    assert_eq!(end.facts.comments_closed, 1);
    assert_eq!(end.facts.coverage.holes.len(), 1);
}

#[tokio::test]
async fn updates_change_what_is_known() {
    let reader = Reader::new();
    let known = reader.pages(None, 3).await;
    assert!(!known.more);
    reader.canned.put("updates", UPDATES);
    let page = reader.page(Some(&known.cursor)).await.expect("reads");
    let expected = ["5 boris: Воду дали", "5 boris edited 1772400600: Воду дали, холодную"];
    assert_eq!(lines(&page), expected);
    assert_eq!(page.gone, [format!("max:{CHAT}_mid.ffff000000000001")]);
    assert!(!page.more, "what was received is all of the look");
    let again = reader.page(Some(&known.cursor)).await.expect("reads");
    assert!(
        lines(&again).starts_with(&expected.map(str::to_owned)),
        "it was not stored: once more"
    );
    reader.canned.put("updates", NOTHING);
    let later = reader.page(Some(&again.cursor)).await.expect("reads");
    assert!(later.posts.is_empty(), "it was stored");
}

/// A message that the history no longer shows is asked for by name.
#[tokio::test]
async fn a_missed_message_is_gone_only_by_an_explicit_answer() {
    let reader = Reader::new();
    let known = reader.pages(None, 3).await;
    let all: serde_json::Value = serde_json::from_str(MESSAGES).expect("a fixture");
    let mut shorter = all.clone();
    shorter["messages"].as_array_mut().expect("messages").truncate(2);
    reader.canned.put("messages", shorter.to_string());
    reader.canned.put("by names", shorter.to_string());
    reader.ports.clock.advance(7 * HOUR);
    let walked = reader.pages(Some(&known.cursor), 3).await;
    assert!(walked.gone.is_empty() && walked.more);
    let asked = reader.page(Some(&walked.cursor)).await.expect("reads");
    let expected = ["1", "2"].map(|it| format!("max:{CHAT}_mid.ffff00000000000{it}"));
    assert_eq!(asked.gone, expected);
    assert!(!asked.more);
}

/// Bodies that are JSON and yet no proof of anything.
const ODD: [&str; 8] = [
    "{}",
    "[]",
    "null",
    r#"{"messages":null,"updates":null}"#,
    r#"{"messages":[],"updates":[]}"#,
    r#"{"messages":{},"updates":{}}"#,
    r#"{"messages":[null,{"timestamp":5}],"updates":[{"update_type":"message_removed"}]}"#,
    r#"{"code":"odd","message":"?"}"#,
];

#[tokio::test]
async fn odd_answers_delete_nothing() {
    let first = Reader::new();
    let known = first.pages(None, 3).await.cursor;
    for odd in ODD {
        for status in [200, 400, 403, 404, 503] {
            let reader = Reader::new();
            for what in ["updates", "messages", "older", "by names", "chat", "member"] {
                reader.canned.put_status(what, status, odd);
            }
            let mut cursor = known.clone();
            for _ in 0..9 {
                let Ok(page) = reader.page(Some(&cursor)).await else { break };
                assert!(page.gone.is_empty() && page.posts.is_empty(), "{status} {odd}");
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
    let received = reader.pages(None, 1).await.cursor;
    let paged = reader.pages(None, 2).await.cursor;
    let known = reader.pages(None, 3).await.cursor;
    reader.canned.put("messages", EMPTY);
    reader.ports.clock.advance(7 * HOUR);
    let missing = reader.pages(Some(&known), 2).await.cursor;
    for (what, body, cursor) in [
        ("updates", UPDATES, Some(&known)),
        ("messages", MESSAGES, Some(&received)),
        ("older", CHANNEL_POST, Some(&paged)),
        ("by names", MESSAGES, Some(&missing)),
        ("chat", CHAT_BODY, None),
        ("member", MEMBER, None),
    ] {
        let body = body.trim_end().as_bytes();
        for end in 0..body.len() {
            // A fresh reader each time: a budget used up must not hide what is tested.
            let reader = Reader::over(reader.canned.clone());
            reader.canned.put(what, &body[..end]);
            let class = reader.page(cursor).await.err().map(|error| error.class);
            assert_eq!(class, Some(Class::Malformed), "{what} cut at {end}");
        }
        reader.canned.put(what, body);
    }
}

#[tokio::test]
async fn the_token_travels_in_a_header_and_nowhere_else() {
    let reader = Reader::new();
    reader.canned.put_status("updates", 401, ERROR_401);
    let error = reader.page(None).await.err().expect("refused");
    assert_eq!((error.class, error.code.as_str()), (Class::NeedsPerson, "max 401"));
    let shown = format!("{error} {error:?} {:?}", MaxSettings::new("MADEUPTOKEN"));
    assert!(!shown.contains("MADEUP"), "{shown}");
    let asked = reader.canned.asked.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(asked.len(), 3, "chat, member, updates once");
    for request in asked.iter() {
        assert!(!request.url.contains("MADEUP") && request.form.is_empty());
        let header = ("authorization".to_owned(), "MADEUPTOKEN".to_owned());
        assert!(request.headers.contains(&header), "no Bearer");
    }
}
