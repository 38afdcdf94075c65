//! What the keys may do with one group, step by step, for `check --online`.
//!
//! Place in the flow: beside the looks, with the same calls asked for one element each. Invariant:
//! at most five calls; a step that could not be tried is left out, never guessed.

use super::call::{Api, Fault};
use super::errors::right_for;
use super::ids::Kind;
use super::{comment_params, list_params, place, topics_params, wire};
use crate::error::{Class, CollectError};
use crate::raw::SourceSpec;

/// One sentence for each right, good or bad.
pub(super) async fn examine(
    api: &Api<'_>,
    source: &SourceSpec,
) -> Vec<Result<String, CollectError>> {
    let mut told = Vec::new();
    let group = match place::find(api, source).await {
        Ok(group) => group,
        Err(error) => return vec![Err(error)],
    };
    let params = one(topics_params(group, None));
    let topics: Result<wire::Topics, Fault> = api.call("mediatopic.getTopics", &params).await;
    let topic = match topics {
        Ok(topics) => {
            told.push(Ok("темы группы читаются".to_owned()));
            topics.media_topics.into_iter().flatten().find_map(|element| match element {
                wire::Odd::Good(topic) => topic.id.number(),
                wire::Odd::Bad(_) => None,
            })
        }
        Err(fault) => {
            told.push(Err(missing("темы группы", "mediatopic.getTopics", fault)));
            None
        }
    };
    if !source.comments {
        return told;
    }
    if let Some(topic) = topic {
        let thing = super::ids::Thing { kind: Kind::Topic, id: topic };
        let params = one(comment_params(thing, None, false));
        let method = "discussions.getComments";
        told.push(match api.call::<wire::Comments>(method, &params).await {
            Ok(_) => Ok("комментарии читаются".to_owned()),
            Err(fault) => Err(missing("комментарии", method, fault)),
        });
    }
    let method = "discussions.getList";
    told.push(match api.call::<wire::Discussions>(method, &one(list_params(None))).await {
        Ok(_) => Ok("обсуждения фото и видео читаются, если владелец ключа модератор".to_owned()),
        Err(fault) => Err(missing("обсуждения фото и видео", method, fault)),
    });
    told
}

/// The same parameters for one element.
fn one(mut params: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    for (name, value) in &mut params {
        if *name == "count" {
            *value = "1".to_owned();
        }
    }
    params
}

/// A step that failed, in words that say what it would have given.
fn missing(what: &str, method: &str, fault: Fault) -> CollectError {
    let mut error = fault.error;
    let of_rights = matches!(fault.code, Some(10 | 200));
    error.text = match of_rights && error.class != Class::Transient {
        true => format!(
            "{what}: нет права {} или владелец ключа не состоит в группе (ответ {}). Образец \
             письма в поддержку: docs/ru/письмо-ок.md",
            right_for(method),
            error.code
        ),
        false => format!("{what}: {}", error.text),
    };
    error
}
