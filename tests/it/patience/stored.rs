//! What becomes of a wall's texts in the store: whose they are, and what they hang on.

use jiff::SignedDuration;

use super::{Village, owner};
use crate::town::lock;

/// A service account that answers in residents' communities: its text is an answer and no voice,
/// and the account itself is kept nowhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_account_is_official_and_leaves_no_trace() {
    let village = Village::new(1);
    village.add_source(
        "[[service]]\nplatform = \"vk\"\naccount = \"id190777\"\nbody = \"Отдел ЖКХ примера\"\n",
    );
    {
        let mut vk = lock(&village.vk);
        let at = village.now() - SignedDuration::from_hours(3);
        let said = "В Кедрово горит дом";
        let post = vk.world.post(owner(0), 100_001, at, said);
        vk.world.comment(owner(0), post, 190_777, at, "В Кедрово горит дом, выехали", None);
        vk.world.comment(owner(0), post, 100_002, at, "В Кедрово горит дом, вижу дым", None);
    }
    village.live(5).await;
    let comments = village.rows(
        "SELECT official, own_name, EXISTS (SELECT 1 FROM voice WHERE voice.post = post.id)
         FROM post WHERE parent IS NOT NULL ORDER BY published, id",
    );
    assert_eq!(comments, ["Integer(1)|Integer(0)|Integer(0)", "Integer(0)|Integer(0)|Integer(1)"]);
    for end in ["", "-wal"] {
        let path = village.rig.path(&format!("store/otklik.db{end}"));
        let bytes = std::fs::read(path).unwrap_or_default();
        let kept = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!kept("190777") && !kept("Отдел ЖКХ примера"), "otklik.db{end}");
    }
}

/// A regional page: the post names no place of ours and is not stored, the comment below it is.
/// What it names as its parent must be there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parent_that_is_not_stored_is_not_named() {
    let village = Village::new(1);
    let path = village.rig.path("config/sources.toml");
    let sources = std::fs::read_to_string(path).expect("written");
    village.rig.write("config/sources.toml", &format!("{sources}scope = \"region\"\n"));
    {
        let mut vk = lock(&village.vk);
        let at = village.now() - SignedDuration::from_hours(3);
        let post = vk.world.post(owner(0), 100_001, at, "Где сейчас плохие дороги?");
        let said = "В Кедрово яма на яме";
        let root = vk.world.comment(owner(0), post, 100_002, at, said, None);
        let answer = "В Кедрово и зимой так";
        vk.world.comment(owner(0), post, 100_003, at, answer, Some(root));
    }
    village.live(5).await;
    let stored = village.rows("SELECT id, parent FROM post WHERE platform = 'vk' ORDER BY id");
    let expected = ["Text(\"vk:-200001_3\")|Null", "Text(\"vk:-200001_4\")|Text(\"vk:-200001_3\")"];
    assert_eq!(stored, expected);
    let dangling = "SELECT COUNT(*) FROM post WHERE parent IS NOT NULL AND parent NOT IN
        (SELECT id FROM post)";
    assert_eq!(village.number(dangling), 0);
}

/// A post that no parser can read leaves a dead letter and a count, no word of it and no trace in
/// what is read beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_post_becomes_a_dead_letter() {
    let village = Village::new(1);
    village.live(5).await;
    let wall = owner(0);
    let at = village.now().as_second();
    let items = serde_json::json!([
        {"id": 900, "owner_id": wall, "from_id": wall, "date": at, "text": "Читается"},
        {"id": 901, "owner_id": wall, "from_id": wall, "date": "вчера", "text": "КАНАРЕЙКА"},
        "КАНАРЕЙКА без номера",
    ]);
    let body = serde_json::json!({"response": {"count": 3, "items": items}}).to_string();
    lock(&village.vk).fail_next(otklik_collectors::play::vk::Fault::Body(body));
    village.live(20).await;
    let letters = village.rows("SELECT post, position, times FROM dead_letter ORDER BY post");
    let known = format!("Text(\"vk:{wall}_901\")|Text(\"wall\")|Integer(1)");
    assert_eq!(letters, ["Null|Text(\"wall\")|Integer(1)", known.as_str()]);
    let read = format!("SELECT COUNT(*) FROM post WHERE id = 'vk:{wall}_900'");
    assert_eq!(village.number(&read), 1);
    for end in ["", "-wal"] {
        let bytes = std::fs::read(village.rig.path(&format!("store/otklik.db{end}")));
        let bytes = bytes.unwrap_or_default();
        let word = "КАНАРЕЙКА".as_bytes();
        assert!(!bytes.windows(word.len()).any(|part| part == word), "otklik.db{end}");
    }
}
