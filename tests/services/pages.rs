//! The examples of docs/authzen.md and docs/api.md: what they ask is answered as they say.

use serde_json::Value;
use sod_tests::root;

use crate::server::Service;

/// Path, body and answer of every `curl` that is followed by its answer.
fn examples(page: &str) -> Vec<(String, Value, Value)> {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let blocks: Vec<_> = text.split("```").skip(1).step_by(2).collect();
    let example = |pair: &[&str]| {
        let (asked, answered) = (
            pair[0].strip_prefix("sh\n")?,
            pair[1].strip_prefix("json\n")?,
        );
        let asked = asked.strip_prefix("curl -s 127.0.0.1:8080")?;
        let (path, rest) = asked.split_once(' ').unwrap();
        let body = rest
            .strip_prefix("-H 'Content-Type: application/json' -d '")
            .unwrap();
        let body = body.trim_end().strip_suffix('\'').unwrap();
        let read =
            |json: &str| serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"));
        Some((path.to_owned(), read(body), read(answered)))
    };
    blocks.windows(2).filter_map(example).collect()
}

/// Whether the value is what a page says; `...` is anything.
fn is(value: &Value, said: &Value) -> bool {
    match (value, said) {
        (_, Value::String(any)) if any == "..." => true,
        (Value::Array(values), Value::Array(said)) => {
            values.len() == said.len()
                && values.iter().zip(said).all(|(value, said)| is(value, said))
        }
        (Value::Object(values), Value::Object(said)) => {
            let same = |(name, value): (&String, &Value)| {
                said.get(name).is_some_and(|said| is(value, said))
            };
            values.len() == said.len() && values.iter().all(same)
        }
        (value, said) => value == said,
    }
}

#[test]
fn examples_are_answered_as_the_pages_say() {
    let service = Service::fixture();
    for (page, count) in [("docs/authzen.md", 3), ("docs/api.md", 1)] {
        let examples = examples(page);
        assert_eq!(examples.len(), count, "{page}");
        for (path, body, said) in examples {
            let answer = service.post(&path, &body);
            assert_eq!(answer.status, 200, "{page}: {body}");
            assert!(is(&answer.body, &said), "{page}: {:#}", answer.body);
        }
    }
}
