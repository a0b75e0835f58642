//! The request file.

use sod_host::{EntityUid, Request};

#[test]
fn entities_may_be_written_either_way() {
    let full = br#"{
        "principal": {"type": "Person", "id": "ana \"a\""},
        "action": {"type": "Action", "id": "merge"},
        "resource": {"id": "bank/payments#42", "type": "Change"}
    }"#;
    let short = br#"{
        "principal": "Person::\"ana \\\"a\\\"\"",
        "action": "merge",
        "resource": "Change::\"bank/payments#42\""
    }"#;
    let (full, short) = (
        Request::from_json(full).unwrap(),
        Request::from_json(short).unwrap(),
    );
    assert_eq!(full.principal, EntityUid::new("Person", "ana \"a\""));
    assert_eq!(full.principal, short.principal);
    assert_eq!(full.action, short.action);
    assert_eq!(full.resource, short.resource);
}

#[test]
fn what_is_open_is_carried_unread() {
    // Not what a JSON reader would make of it: space, escapes, long numbers, double keys.
    let evidence = r#"{ "a" : 1.000000000000000000000001, "\u0061":2,  "a":3}"#;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let json = format!(
        r#"{{"principal":"A::\"a\"","action":"b","resource":"C::\"c\"","now":"2026-01-31T12:00:00.25+01:00",
            "evidence":  {evidence} ,"entities":{deep},"context":null}}"#
    );
    let request = Request::from_json(json.as_bytes()).unwrap();
    assert_eq!(request.evidence.as_ref().unwrap().get(), evidence);
    assert_eq!(request.entities.as_ref().unwrap().get(), deep);
    assert!(request.context.is_none());
    // date -u -d 2026-01-31T11:00:00.25Z +%s%3N
    assert_eq!(request.now, Some(1_769_857_200_250));

    let again = serde_json::to_vec(&request).unwrap();
    let again = Request::from_json(&again).unwrap();
    assert_eq!(again.evidence_digest(), request.evidence_digest());
    assert_eq!(again.now, request.now);
}

#[test]
fn a_time_that_cannot_be_written_is_not_written() {
    let uid = EntityUid::new("A", "a");
    let request = Request::new(uid.clone(), uid.clone(), uid).with_now(i64::MAX);
    assert!(serde_json::to_string(&request).is_err());
}

#[test]
fn errors_say_what_and_where() {
    let with = |rest: &str| {
        format!("{{\"principal\":\"A::\\\"a\\\"\",\n\"action\":\"b\",\n\"resource\":{rest}}}")
    };
    let cases = [
        (String::new(), "line 1, column 0: EOF while parsing a value"),
        ("\u{feff}{}".to_owned(), "line 1, column 1: expected value"),
        (
            "[1]".to_owned(),
            "line 1, column 0: invalid type: sequence, expected a request, an object with",
        ),
        (
            "7".to_owned(),
            "line 1, column 1: invalid type: integer `7`, expected a request, an object with",
        ),
        (
            "{}".to_owned(),
            "line 1, column 2: missing field `principal`",
        ),
        (
            "{\"principle\":1}".to_owned(),
            "line 1, column 12: unknown field `principle`, expected one of `principal`",
        ),
        (
            with("\"C::\\\"c\\\"\"} x"),
            "line 3, column 24: trailing characters",
        ),
        (
            with("\"C::\\\"c\\\"\",\"action\":\"b\""),
            "line 3, column 30: duplicate field `action`",
        ),
        (
            with("\"C\""),
            "line 3, column 14: `C` is no entity: it lacks a type or the quotes around the id",
        ),
        (
            with("\"two words\""),
            "line 3, column 22: `two words` is no entity",
        ),
        (
            with("{\"type\":\"C\"}"),
            "line 3, column 23: missing field `id`",
        ),
        (
            with("{\"type\":\"C\",\"type\":\"C\"}"),
            "line 3, column 34: duplicate field `type`",
        ),
        (
            with("{\"type\":\"C\",\"name\":\"c\"}"),
            "line 3, column 29: unknown field `name`, expected `type` or `id`",
        ),
        (
            with("[\"C\",\"c\"]"),
            "line 3, column 12: invalid type: sequence, expected an entity, {\"type\"",
        ),
        (
            with("null"),
            "line 3, column 15: invalid type: null, expected an entity",
        ),
        (
            with("\"C::\\\"c\\\"\",\"now\":1"),
            "line 3, column 29: invalid type: integer `1`, expected a string",
        ),
        (
            with("\"C::\\\"c\\\"\",\"now\":\"today\""),
            "line 3, column 36: `now` is `today`, not an RFC 3339 time",
        ),
        (
            with("\"C::\\\"c\\\"\",\"evidence\":{]"),
            "line 3, column 35: key must be a string",
        ),
    ];
    for (json, expected) in cases {
        let message = Request::from_json(json.as_bytes()).unwrap_err().to_string();
        assert!(
            message.starts_with(expected),
            "{json}\n  {message}\n  {expected}"
        );
    }
}

#[test]
fn what_is_not_utf8_is_not_read() {
    let mut json =
        br#"{"principal":"A::\"a\"","action":"b","resource":"C::\"c\"","evidence":"?"}"#.to_vec();
    assert!(Request::from_json(&json).is_ok());
    let at = json.len() - 3;
    json[at] = 0xff;
    assert!(Request::from_json(&json).is_err());
}

#[test]
fn depth_does_not_overflow_the_stack() {
    let deep = "[".repeat(1_000_000);
    for key in ["principal", "action", "now", "evidence", "nothing"] {
        assert!(Request::from_json(format!("{{\"{key}\":{deep}").as_bytes()).is_err());
    }
}
