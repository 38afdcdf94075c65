//! Every error code of VK has a class, a reach, a next try and a Russian sentence.

use otklik_collectors::vk::errors::{aside, explain, known_codes, moscow_midnight};
use otklik_collectors::{Class, Scope};

use crate::ports::at;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

#[test]
fn codes_mean_what_to_do_next() {
    use Class::*;
    let rows: &[(&[i64], Class, Scope, i64)] = &[
        (&[1, 10], Transient, Scope::Source, 60),
        (&[32, 36, 43], Transient, Scope::Source, 600),
        (&[6], RateLimited, Scope::Token, 1),
        (&[9, 601, 103], RateLimited, Scope::Method, 3 * HOUR),
        // 21:00 UTC is midnight of Moscow; the tests begin at 00:00 UTC.
        (&[29], Quota, Scope::Method, 21 * HOUR),
        (&[5, 16, 1114, 1115, 1116, 1117, 1118], NeedsPerson, Scope::Token, HOUR),
        (&[20, 21, 27, 28, 3609, 3610, 42], NeedsPerson, Scope::Token, HOUR),
        (&[14, 3300, 17, 3301, 3302, 3303, 3304], NeedsPerson, Scope::Token, 6 * HOUR),
        (&[2, 4, 38, 101], NeedsPerson, Scope::Token, 6 * HOUR),
        (&[7, 15, 30, 203, 210, 211, 212, 213, 701], NoAccess, Scope::Source, DAY),
        (&[19], NoAccess, Scope::Source, 7 * DAY),
        (&[18, 37, 39, 40, 104, 113, 125], Gone, Scope::Source, DAY),
        (&[3, 23], Ours, Scope::Method, 6 * HOUR),
        (&[34, 35], Ours, Scope::Token, 6 * HOUR),
        (&[8, 12, 13, 100, 150], Ours, Scope::Source, HOUR),
        (&[9999], Ours, Scope::Method, HOUR),
        (
            &[200, 201, 204, 205, 219, 222, 225, 250, 253, 260, 300, 500, 600],
            NoAccess,
            Scope::Source,
            DAY,
        ),
        (&[0, -1, 999, i64::MAX, i64::MIN], Malformed, Scope::Source, 900),
    ];
    for (codes, class, scope, secs) in rows {
        for code in *codes {
            let error = explain(*code, None, "", at(0));
            assert_eq!(error.code, format!("vk {code}"));
            assert_eq!((error.class, error.scope), (*class, *scope), "{code}");
            assert_eq!(error.until, Some(at(*secs)), "{code}");
            assert_eq!(error.inside, matches!(code, 1 | 10), "{code}");
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
        let error = explain(code, None, "secret 8 900 000-00-00", at(0));
        assert!(error.until.is_some_and(|until| until > at(0)), "{code}");
        let russian = error.text.chars().any(|char| ('а'..='я').contains(&char));
        assert!(russian && !error.text.contains("secret") && error.text.len() > 20, "{code}");
    }
}

/// Every code that the schema or the documentation names has a row: none is an unexpected one.
#[test]
fn no_code_of_vk_is_unexpected() {
    let ranges = [(1, 19), (20, 25), (27, 30), (32, 43), (100, 101), (103, 104), (200, 201)];
    let further = [(204, 205), (210, 214), (219, 225), (250, 253), (1114, 1118), (3300, 3304)];
    let single =
        [113, 125, 140, 141, 150, 183, 203, 260, 300, 500, 600, 601, 701, 3609, 3610, 9999];
    let known: Vec<i64> = known_codes().collect();
    let all = ranges.into_iter().chain(further).flat_map(|(first, last)| first..=last);
    let unknown: Vec<i64> = all.chain(single).filter(|code| !known.contains(code)).collect();
    assert_eq!(unknown, [0; 0]);
}

/// Besides the wall a refusal is no trouble of the token; what concerns the token stays its own.
#[test]
fn refusals_besides_the_wall_reach_no_further() {
    for code in known_codes() {
        let whole = explain(code, None, "", at(0));
        let error = aside(code, whole.clone());
        let stays = matches!(code, 2 | 4 | 5 | 14 | 16 | 17 | 38 | 42 | 101 | 1114..=1118)
            || (3300..=3304).contains(&code)
            || matches!(whole.class, Class::Transient | Class::RateLimited | Class::Quota);
        match stays {
            true => assert_eq!(error, whole, "{code}"),
            false => {
                assert_eq!((error.class, error.scope), (Class::NoAccess, Scope::Method), "{code}");
            }
        }
    }
}

#[test]
fn access_denied_has_many_reasons() {
    for (code, subcode, message, class, scope) in [
        (15, None, "Access denied: wall is disabled", Class::NoAccess, Scope::Source),
        (
            15,
            None,
            "Access denied: no access to call this method",
            Class::NeedsPerson,
            Scope::Token,
        ),
        (
            15,
            None,
            "No access to call this method. It cannot be called with current scopes.",
            Class::NeedsPerson,
            Scope::Token,
        ),
        (15, Some(1133), "Access denied", Class::NeedsPerson, Scope::Token),
        (15, Some(1134), "Access denied", Class::NeedsPerson, Scope::Token),
        (15, Some(5), "Access denied, try again", Class::Transient, Scope::Source),
        (8, None, "Invalid request: v (version) is required", Class::Ours, Scope::Source),
        (8, Some(7), "Try again later", Class::Transient, Scope::Source),
    ] {
        let error = explain(code, subcode, message, at(0));
        assert_eq!((error.class, error.scope), (class, scope), "{message} {subcode:?}");
    }
}

#[test]
fn the_day_of_quotas_ends_at_midnight_of_moscow() {
    for (now, expected) in [(0, 21), (20, 21), (21, 45), (22, 45), (45, 69)] {
        assert_eq!(moscow_midnight(at(now * HOUR)), at(expected * HOUR), "{now}");
    }
}
