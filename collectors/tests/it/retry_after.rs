//! `Retry-After` in every form.

use jiff::{SignedDuration, Timestamp};
use otklik_collectors::http::{Response, retry_after};

fn check(value: &str, expected_secs: Option<i64>) {
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let response = Response {
        headers: vec![("retry-after".to_owned(), value.to_owned())],
        ..Response::default()
    };
    let expected = expected_secs.map(|secs| now + SignedDuration::from_secs(secs));
    assert_eq!(retry_after(&response, now), expected, "{value}");
}

#[test]
fn seconds_and_dates_count_and_nonsense_does_not() {
    check("0", None);
    check(" 120 ", Some(120));
    check("86400", Some(86_400));
    check("316800", Some(316_800));
    check("2592001", Some(2_592_000));
    check("99999999999999999999999999", Some(2_592_000));
    check("Fri, 20 Nov 2026 10:02:00 GMT", Some(120));
    check("Fri, 20 Nov 2026 18:02:00 +0800", Some(120));
    check("Fri, 20 Nov 2026 09:00:00 GMT", None);
    check("Sat, 20 Nov 2027 10:00:00 GMT", Some(2_592_000));
    check("Sun, 20 Nov 2026 10:02:00 GMT", Some(120));
    check("", None);
    check("-5", None);
    check("soon", None);
    check("1.5", None);
    assert_eq!(retry_after(&Response::default(), Timestamp::UNIX_EPOCH), None);
}
