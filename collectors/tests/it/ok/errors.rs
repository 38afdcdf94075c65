//! Every error code of OK has a class, a reach, a next try and a Russian sentence.

use otklik_collectors::ok::errors::{explain, known_codes};
use otklik_collectors::ok::signature;
use otklik_collectors::{Class, Scope};

use super::rig::{DAY, HOUR, MINUTE};
use crate::ports::at;

#[test]
fn codes_mean_what_to_do_next() {
    use Class::*;
    let rows: &[(&[i64], Class, Scope, i64)] = &[
        (&[1, 2, 9999], Transient, Scope::Source, MINUTE),
        (&[3, 4, 12, 451, 1200], Ours, Scope::Method, 6 * HOUR),
        (&[8], RateLimited, Scope::Method, 5 * MINUTE),
        (&[7], RateLimited, Scope::Method, HOUR),
        (&[11], Quota, Scope::Method, HOUR),
        (&[10], NeedsPerson, Scope::Source, 6 * HOUR),
        (&[9, 101, 104, 210, 403, 900], NeedsPerson, Scope::Token, 6 * HOUR),
        (&[102, 103, 401, 402, 452, 453, 457], NeedsPerson, Scope::Token, HOUR),
        (&[50, 200, 211, 214, 454, 455, 456, 458], NoAccess, Scope::Source, DAY),
        (&[701, 702, 704, 705, 706, 1101], NoAccess, Scope::Source, DAY),
        (&[105, 106, 110, 141, 150, 160, 300, 700], Gone, Scope::Source, DAY),
        (&[100], Ours, Scope::Source, HOUR),
        (&[21, 324, 500, 513, 600, 610, 1001], Ours, Scope::Method, 6 * HOUR),
        (&[0, -1, 999, i64::MAX, i64::MIN], Malformed, Scope::Source, 15 * MINUTE),
    ];
    for (codes, class, scope, secs) in rows {
        for code in *codes {
            let error = explain(*code, "mediatopic.getTopics", at(0));
            assert_eq!(error.code, format!("ok {code}"));
            assert_eq!((error.class, error.scope), (*class, *scope), "{code}");
            assert_eq!(error.until, Some(at(*secs)), "{code}");
        }
    }
}

#[test]
fn every_code_has_a_sentence_and_a_later_try() {
    let mut codes: Vec<i64> = known_codes().collect();
    let all = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all, "a code stands in two rows");
    for code in codes {
        let error = explain(code, "discussions.getComments", at(0));
        assert!(error.until.is_some_and(|until| until > at(0)), "{code}");
        let russian = error.text.chars().any(|char| ('а'..='я').contains(&char));
        assert!(russian && error.text.len() > 20, "{code}");
    }
}

#[test]
fn a_missing_right_is_named_by_the_method() {
    for (method, right) in [
        ("mediatopic.getTopics", "GROUP_CONTENT"),
        ("group.getInfo", "GROUP_CONTENT и VALUABLE_ACCESS"),
        ("discussions.getComments", "VALUABLE_ACCESS"),
    ] {
        let error = explain(10, method, at(0));
        assert!(error.text.contains(&format!("права {right}.")), "{error}");
    }
}

/// The vector that the documentation of OK's clients gives, recomputed.
#[test]
fn a_request_is_signed_as_ok_signs_it() {
    let params = [
        ("method", "events.get"),
        ("access_token", "-s-84W-s3egarWUsbkq-IWTucuedzTKT8VUXIA.s4Xx8IW7"),
        ("format", "json"),
        ("sig", "whatever"),
        ("application_key", "ABCDEFGHIGKLMNOPK"),
    ];
    let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let sig = signature(&params, "b1a2b89707a94624c43afae67d59274c");
    assert_eq!(sig, "232c8eb921951c4dba9b72606f9ddb4c");
}
