//! VK's `execute`: several posts' comments by one call, and what becomes of it when VK says no.

use otklik_collectors::play::vk::{Fault, Token};
use otklik_collectors::play::{Ask, Play, Reply};
use otklik_collectors::vk::TokenKind;

use crate::looked::Looked;
use crate::ports::at;
use crate::vk_rig::{HOUR, MINUTE, OWNER, Rig};

/// A wall of so many posts with three comments each, read by a user's token.
fn rig(posts: i64) -> Rig {
    let mut rig = Rig::new();
    rig.settings.token_kind = TokenKind::User;
    rig.source.platform_id = Some(OWNER.to_string());
    {
        let mut play = rig.play();
        play.tokens.insert("MADEUPTOKEN".to_owned(), Token::User);
        for n in 0..posts {
            let post = play.world.post(OWNER, OWNER, at(-HOUR - n), "запись");
            for _ in 0..3 {
                play.world.comment(OWNER, post, 100_001, at(-MINUTE), "комментарий", None);
            }
        }
    }
    rig
}

fn calls(rig: &Rig) -> [usize; 3] {
    let play = rig.play();
    ["wall.get", "execute", "wall.getComments"].map(|method| play.calls(method))
}

/// The same wall read call by call.
async fn one_by_one(posts: i64) -> Looked {
    let mut rig = rig(posts);
    rig.settings.token_kind = TokenKind::Service;
    rig.play().tokens.insert("MADEUPTOKEN".to_owned(), Token::Service);
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(calls(&rig)[1], 0, "a service key may not use it");
    looked
}

#[tokio::test]
async fn comments_of_many_posts_come_by_few_calls() {
    let rig = rig(60);
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids(), one_by_one(60).await.ids());
    // 25 and 25 and 10.
    assert_eq!(calls(&rig), [1, 3, 0]);
    assert!(rig.play().busiest_second() <= 3);
    rig.ports.clock.advance(10 * MINUTE);
    rig.look(looked.cursor).await.expect("reads");
    assert_eq!(calls(&rig), [2, 3, 0], "nothing changed, nothing is read");
}

#[tokio::test]
async fn one_post_alone_needs_no_script() {
    let rig = rig(1);
    rig.look(None).await.expect("reads");
    assert_eq!(calls(&rig), [1, 0, 1]);
}

/// The script holds our own numbers and words.
#[tokio::test]
async fn nothing_from_outside_is_in_the_script() {
    let rig = rig(3);
    rig.look(None).await.expect("reads");
    let play = rig.play();
    let call = play.log.iter().find(|call| call.method == "execute").expect("made");
    let code = call.param("code").expect("a script");
    let known = |char: char| char.is_ascii_alphanumeric() || " [](){}\":,.;_-".contains(char);
    assert!(code.chars().all(known) && !code.contains("запись"), "{code}");
}

/// Whatever VK answers to `execute` itself, the comments are read call by call; where the token may
/// not use it, it is not tried again for hours.
#[tokio::test]
async fn a_refused_execute_costs_one_call() {
    let expected = one_by_one(8).await;
    for code in [3, 7, 8, 12, 15, 20, 21, 23, 27, 28, 29, 100, 203, 3609, 424_242] {
        let rig = rig(8);
        rig.play().execute.refused = Some(code);
        let looked = rig.look(None).await.expect("reads");
        assert_eq!(looked.ids(), expected.ids(), "{code}");
        let [_, executed, singly] = calls(&rig);
        assert_eq!(singly, 8, "{code}");
        assert!(executed == 1 || code == 12, "{code}: tried {executed} times");
        assert_eq!(rig.ports.budget.paused(None), None, "{code}: the token is not to blame");
    }
}

/// What concerns the token ends the look as with any other call.
#[tokio::test]
async fn a_captcha_is_a_captcha() {
    let rig = rig(8);
    rig.play().execute.refused = Some(14);
    let error = rig.look(None).await.err().expect("a person is needed");
    assert_eq!(error.code, "vk 14");
    assert_eq!(calls(&rig)[2], 0);
}

/// An answer that is too big is asked for in halves.
#[tokio::test]
async fn too_big_an_answer_is_halved() {
    let rig = rig(40);
    rig.play().execute.bytes_max = Some(12_000);
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids(), one_by_one(40).await.ids());
    let refused = rig.play().log.iter().filter(|call| call.error == Some(13)).count();
    assert!(refused > 0, "it was too big");
    assert!(calls(&rig)[1] < 40, "{:?}", calls(&rig));
}

/// A call inside that fails is judged as if it had been made by itself: closed comments are closed,
/// a passing fault is tried again by a single call.
#[tokio::test]
async fn failed_calls_inside_concern_their_post_alone() {
    let rig = rig(12);
    {
        let mut play = rig.play();
        let wall = play.world.walls.get_mut(&OWNER).expect("there");
        let post = wall.posts.keys().nth(5).copied().expect("there");
        wall.posts.get_mut(&post).expect("there").closed = true;
        play.execute.fails_each = Some(4);
    }
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.comments_closed, 1);
    assert_eq!(looked.ids().len(), 12 + 11 * 3);
    assert!(calls(&rig)[2] > 0, "what failed is asked for by itself");
}

/// A long thread is listed before the next post: what came for that one is asked for once more.
#[tokio::test]
async fn an_answer_that_is_not_next_is_left() {
    let rig = rig(5);
    {
        let mut play = rig.play();
        let post = play.world.wall(OWNER).posts.keys().nth(2).copied().expect("there");
        let root = play.world.comment(OWNER, post, 100_002, at(-MINUTE), "вопрос", None);
        for _ in 0..15 {
            play.world.comment(OWNER, post, 100_003, at(-MINUTE), "ответ", Some(root));
        }
    }
    let looked = rig.look(None).await.expect("reads");
    assert_eq!((looked.ids().len(), looked.unreadable), (5 + 5 * 3 + 16, 0));
    // Three posts, the thread, and the two that are left.
    assert_eq!(calls(&rig), [1, 2, 1]);
}

/// Answers of no sense take nothing, delete nothing and hold nothing up.
#[tokio::test]
async fn odd_answers_to_execute_change_nothing() {
    let expected = one_by_one(6).await;
    let empty = r#"{"count":0,"items":[],"current_level_count":0}"#;
    for odd in [
        r#"{"response":null}"#.to_owned(),
        r#"{"response":[]}"#.to_owned(),
        r#"{"response":{}}"#.to_owned(),
        r#"{"response":[false,false,false,false,false,false]}"#.to_owned(),
        r#"{"response":[null,null,null,null,null,null],"execute_errors":[]}"#.to_owned(),
        format!(r#"{{"response":[{empty},{empty}]}}"#),
        r#"{"response":[false,1,2,3,4,5],"execute_errors":[{"method":"x","error_code":15},{}]}"#
            .to_owned(),
        "[]".to_owned(),
    ] {
        let rig = rig(6);
        for number in 2..4 {
            rig.play().faults.insert(number, Fault::Body(odd.clone()));
        }
        let looked = rig.look(None).await.expect("reads");
        assert_eq!(looked.ids(), expected.ids(), "{odd}");
        assert!(looked.gone.is_empty(), "{odd}");
    }
}

/// An answer that is cut anywhere takes nothing: everything is read by single calls.
#[tokio::test]
async fn a_cut_answer_to_execute_changes_nothing() {
    let expected = one_by_one(2).await;
    let whole = {
        let rig = rig(2);
        rig.look(None).await.expect("reads");
        let mut play = rig.play();
        let made = play.log.iter().find(|call| call.method == "execute").expect("made");
        let ask = Ask {
            path: "/method/execute".to_owned(),
            params: made.params.clone(),
            headers: vec![("authorization".to_owned(), "Bearer MADEUPTOKEN".to_owned())],
            ..Ask::default()
        };
        match play.answer(&ask, at(HOUR)) {
            Reply::Answer(response) => String::from_utf8(response.body).expect("text"),
            other => panic!("{other:?}"),
        }
    };
    assert!(whole.contains("комментарий") && whole.len() > 500, "{whole}");
    let ends = (0..whole.len()).filter(|end| whole.is_char_boundary(*end));
    for end in ends.step_by(5) {
        let rig = rig(2);
        for number in 2..4 {
            rig.play().faults.insert(number, Fault::Body(whole[..end].to_owned()));
        }
        let looked = rig.look(None).await.expect("reads");
        assert_eq!(looked.ids(), expected.ids(), "cut at {end}");
        assert!(looked.gone.is_empty(), "cut at {end}");
    }
}
