//! The first pages of comments of several posts by one call: VK's `execute`, which a user's token
//! may use and a service key may not.
//!
//! Place in the flow: `mod` comes here when comments are to be read and more posts wait for the
//! same. The answers are taken one by one, each as if it had been asked for by itself; `look` says
//! before each of them whether it is still the next thing to ask.
//!
//! Invariants: the script is made of our own numbers and words, of nothing that came from outside;
//! an answer that is missing, odd or refused for a cause beyond its post ends the batch there, and
//! what follows is asked for by single calls; whatever becomes of `execute`, a page gets on.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value};
use tracing::debug;

use super::call::{Api, Fault};
use super::look::{PAGE, Pass, Step};
use super::{TokenKind, Vk, comment_params, errors, refused, wire};
use crate::error::{Class, CollectError, Scope};

/// The method's name.
pub(super) const METHOD: &str = "execute";
/// Calls that VK runs in one `execute`.
const CALLS_MAX: usize = 25;
/// Comments that one answer may bring: VK bounds the size of an answer and does not say where.
const COMMENTS_MAX: u64 = 1_000;

/// How many calls go into one `execute`: fewer after an answer that was too big.
pub(super) struct Batch(AtomicUsize);

impl Default for Batch {
    fn default() -> Self {
        Batch(AtomicUsize::new(CALLS_MAX))
    }
}

impl Vk {
    /// Reads the first pages of comments of the posts that come next by one call. False if nothing
    /// of it could be taken: then the next step is to be made by itself.
    pub(super) async fn executed(&self, pass: &mut Pass<'_>) -> Result<bool, CollectError> {
        if self.settings.token_kind != TokenKind::User {
            return Ok(false);
        }
        let (api, owner) = (self.api(), pass.state.owner);
        loop {
            let most = self.batch.0.load(Ordering::Relaxed);
            let ahead = pass.ahead(most, COMMENTS_MAX);
            if ahead.len() < 2 {
                return Ok(false);
            }
            match ask(&api, owner, &ahead).await {
                Ok(answers) => {
                    let more = (most + 1).min(CALLS_MAX);
                    self.batch.0.store(more, Ordering::Relaxed);
                    return take(pass, &ahead, answers);
                }
                Err(Fault { error, .. }) if of_token(&error) => return Err(error),
                // Too big, too slow, or spoilt on its way: the half may do.
                Err(fault) if fault.code == Some(13) || spoilt(&fault.error) => {
                    self.batch.0.store((ahead.len() / 2).max(2), Ordering::Relaxed);
                    debug!(calls = ahead.len(), code = %fault.error.code, "execute is halved");
                    if fault.code != Some(13) || ahead.len() == 2 {
                        return Ok(false);
                    }
                }
                Err(fault) => {
                    debug!(code = %fault.error.code, "no execute, calls are made one by one");
                    return Ok(false);
                }
            }
        }
    }
}

/// Whether a failure concerns the single calls as much.
fn of_token(error: &CollectError) -> bool {
    matches!(error.class, Class::NeedsPerson | Class::RateLimited)
        && matches!(error.scope, Scope::Token | Scope::Host)
}

fn spoilt(error: &CollectError) -> bool {
    matches!(error.class, Class::Malformed | Class::Transient)
}

/// The answers in the order of `ahead`; fewer where VK left one out.
async fn ask(
    api: &Api<'_>,
    owner: i64,
    ahead: &[(i64, u64)],
) -> Result<Vec<Result<wire::Comments, Fault>>, Fault> {
    let params = [("code", script(owner, ahead))];
    let (answers, failed) = api.whole::<Vec<Value>>(METHOD, &params).await?;
    let now = api.ports.clock.now();
    if answers.len() != ahead.len() {
        return Err(errors::malformed("vk odd execute", now).into());
    }
    // A failed call is `false`; why it failed stands beside, in the order of the calls.
    let refusals = answers.iter().filter(|answer| **answer == Value::Bool(false)).count();
    let mut failed = failed.into_iter();
    let told = refusals == failed.len();
    let mut taken = Vec::new();
    for answer in answers {
        let failure = if answer == Value::Bool(false) { failed.next() } else { None };
        match (serde_json::from_value::<wire::Comments>(answer), failure) {
            (Ok(comments), _) => taken.push(Ok(comments)),
            (Err(_), Some(it)) if told => {
                let error = errors::explain(it.error_code, it.error_subcode, &it.error_msg, now);
                taken.push(Err(Fault { code: Some(it.error_code), asked: None, error }));
            }
            _ => break,
        }
    }
    Ok(taken)
}

/// Takes the answers while each is what would be asked for next. Whether any was taken.
fn take(
    pass: &mut Pass<'_>,
    ahead: &[(i64, u64)],
    answers: Vec<Result<wire::Comments, Fault>>,
) -> Result<bool, CollectError> {
    let mut any = false;
    for (&(post, offset), answer) in ahead.iter().zip(answers) {
        if any && pass.next() != (Step::Roots { post, offset }) {
            break;
        }
        match answer {
            Ok(comments) => pass.roots(comments),
            Err(fault) if of_post(&fault.error) => refused(pass, None, fault)?,
            Err(_) => break,
        }
        any = true;
    }
    Ok(any)
}

/// Whether a refusal concerns one post alone.
fn of_post(error: &CollectError) -> bool {
    matches!(error.class, Class::NoAccess | Class::Gone | Class::Ours)
        && error.scope == Scope::Source
}

/// VKScript that makes the calls and returns their answers as a list.
fn script(owner: i64, ahead: &[(i64, u64)]) -> String {
    let calls = ahead.iter().map(|&(post, offset)| {
        let params = comment_params(owner, post, None, offset).into_iter().map(|(name, value)| {
            let number = value.parse::<i64>().map(Value::from);
            (name.to_owned(), number.unwrap_or(Value::String(value)))
        });
        let params: Map<String, Value> = params.collect();
        format!("API.wall.getComments({})", Value::Object(params))
    });
    let calls: Vec<String> = calls.collect();
    format!("return [{}];", calls.join(","))
}

impl Pass<'_> {
    /// The pages of roots that will be asked for next, this one first: up to `most` of them with
    /// about `comments` in all. Only a post whose comments fit into one page lets another follow.
    fn ahead(&self, most: usize, comments: u64) -> Vec<(i64, u64)> {
        let Some(reading) = self.look.reading.as_ref().filter(|it| it.talk.is_none()) else {
            return Vec::new();
        };
        let mut ahead = vec![(reading.post, reading.roots.offset)];
        let mut last = reading.expected.saturating_sub(reading.roots.offset);
        let mut sum = last;
        for post in &self.look.queue {
            let Some(known) = self.state.posts.get(post) else { continue };
            sum += known.count;
            if ahead.len() >= most || last > PAGE || sum > comments {
                break;
            }
            ahead.push((*post, known.first_offset(self.now)));
            last = known.count;
        }
        ahead
    }
}
