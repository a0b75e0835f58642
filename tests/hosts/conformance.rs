//! Every case of every pack through every host: what it says is, byte for byte, what the Rust host says.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

use sod_host::{Request, Runtime};
use sod_pack::cases;
use sod_tests::packs::{compile, open, tested_packs};

use crate::hosts::{HOSTS, Host};
use crate::{checked, served};

/// A component, requests for it, and what the Rust host says to them.
pub(crate) struct Corpus {
    pub(crate) name: String,
    pub(crate) component: Vec<u8>,
    pub(crate) asked: Vec<Vec<u8>>,
    pub(crate) said: Vec<String>,
}

impl Corpus {
    fn new(runtime: &Runtime, name: String, component: Vec<u8>, asked: Vec<Vec<u8>>) -> Self {
        let policy = runtime.load(&component).unwrap();
        let said = |request: &Vec<u8>| match Request::from_json(request) {
            Ok(request) => serde_json::to_string(&policy.decide(&request)).unwrap(),
            Err(error) => format!("no request: {error}"),
        };
        Corpus {
            name,
            said: asked.iter().map(said).collect(),
            component,
            asked,
        }
    }

    /// Where a host that said this says something else.
    fn compare(&self, host: &str, said: &[String]) -> Vec<String> {
        assert_eq!(said.len(), self.said.len(), "{}: {host}", self.name);
        let both = self.asked.iter().zip(self.said.iter().zip(said));
        both.filter(|(_, (expected, actual))| !same(expected, actual))
            .map(|(asked, (expected, actual))| {
                let asked = String::from_utf8_lossy(asked);
                let asked: String = asked.chars().take(300).collect();
                format!("{}: {host}\n  {asked}\n  {expected}\n  {actual}", self.name)
            })
            .collect()
    }

    /// Where a host in another language says something else.
    fn differing_anywhere(&self) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let component = write("policy.wasm", &self.component);
        let requests = write("requests.jsonl", &self.asked.join(&b'\n'));
        let differing = |host: Host| {
            let said = host.decide(&component, &requests);
            self.compare(&format!("{host:?}"), &said)
        };
        thread::scope(|scope| {
            let hosts = HOSTS.map(|host| scope.spawn(move || differing(host)));
            let differing = hosts.into_iter().flat_map(|host| host.join().unwrap());
            differing.collect()
        })
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// Every case of every pack, compiled once for all hosts.
fn corpora() -> &'static [Corpus] {
    static CORPORA: OnceLock<Vec<Corpus>> = OnceLock::new();
    CORPORA.get_or_init(|| {
        let mut corpora = Vec::new();
        for folder in tested_packs() {
            let pack = open(&folder);
            let all = cases::read(&pack).unwrap();
            for (chosen, cases) in cases::by_choice(&pack, &all) {
                let asked = cases
                    .iter()
                    .map(|case| serde_json::to_vec(&case.request).unwrap());
                let name = format!("{} {:?}", pack.name(), cases[0].choose);
                let component = compile(&chosen);
                corpora.push(Corpus::new(runtime(), name, component, asked.collect()));
            }
        }
        let cases: usize = corpora.iter().map(|corpus| corpus.asked.len()).sum();
        // Fewer would mean that packs or cases were not found.
        assert!(cases > 1_400, "{cases}");
        corpora
    })
}

/// What is wrong with a request is worded by whoever reads it; a verdict is a verdict.
fn same(expected: &str, actual: &str) -> bool {
    match expected.strip_prefix("no request: ") {
        Some(_) => actual.starts_with("{\"error\":"),
        None => expected == actual,
    }
}

#[test]
fn every_host_says_the_same_to_every_case() {
    for corpus in corpora() {
        assert_eq!(corpus.differing_anywhere(), Vec::<String>::new());
        let served = served::decide(runtime(), &corpus.component, &corpus.asked);
        assert_eq!(corpus.compare("HTTP", &served), Vec::<String>::new());
    }
}

#[test]
fn envoy_is_told_the_same_to_every_case() {
    let checked = checked::decide(corpora());
    // A case with `entities` or `context`, or at no full second, would be here with the reason.
    assert_eq!(checked.left_out, Vec::<String>::new());
    assert_eq!(checked.differing, Vec::<String>::new());
    let cases: usize = corpora().iter().map(|corpus| corpus.asked.len()).sum();
    assert_eq!(checked.decisions, cases);
}

/// The beginning of every request, the end of most.
const WHO: &str = r#""principal":"Person::\"ana\"","action":"merge","resource":"Change::\"c\"""#;

/// Requests that readers of JSON like to take for something else.
fn odd() -> Vec<String> {
    let with = |rest: &str| format!("{{{WHO},{rest}}}");
    let now = |time: &str| with(&format!("\"now\":\"{time}\",\"evidence\":{{}}"));
    let principal = |text: &str| format!("{{{}}}", WHO.replace(r#""Person::\"ana\"""#, text));
    let mut odd = vec![
        // Documents go on as they stand.
        with(
            r#""evidence": { "a" : 1.000000000000000000000001, "\u0061":2,  "a":3 } , "context" :{}"#,
        ),
        with(r#""evidence":{"a":1e400,"b":-0,"c":"\ud83d\ude00 \/ é"}"#),
        with(r#""evidence":{"a":"}]\"{[\\"},"entities":[ [ ] ],"context":{"x":[{}]}"#),
        with("\"evidence\":null,\"entities\":null,\"context\":null,\"now\":null"),
        with(r#""evidence":"text","entities":7,"context":true"#),
        with(r#""evid\u0065nce":{}"#),
        format!("  {{ {WHO} }}\t "),
        format!(
            "{{{WHO},\"evidence\":{}}}",
            "[".repeat(200) + &"]".repeat(200)
        ),
        // Times.
        now("2026-01-31T12:00:00.25+01:00"),
        now("2026-01-31t12:00:00z"),
        now("1969-12-31T23:59:59.9999-00:30"),
        now("2024-02-29T00:00:00Z"),
        now("2026-02-29T00:00:00Z"),
        now("2026-01-31T24:00:00Z"),
        now("2026-01-31T12:00:00"),
        now("2026-01-31T12:00Z"),
        now("2026-01-31T12:00:00+0100"),
        now("2026-13-01T12:00:00Z"),
        now("today"),
        with("\"now\":1769860800000"),
        // Entities.
        principal(r#"{"type":"Person","id":"ana \"a\" \u00e9"}"#),
        principal(r#"{"id":"ana","type":"Person"}"#),
        principal(r#""Person::\"\\x41\\u{1F600}\\n\\'\\0\"""#),
        principal(r#""Bank::Person::\"\"""#),
        principal(r#""Person::\"a\\qb\"""#),
        principal(r#""Person::\"\\x80\"""#),
        principal(r#""Person::\"\\u{d800}\"""#),
        principal(r#""Person::\"\\u{110000}\"""#),
        principal(r#""Person::\"a\"b\"""#),
        principal(r#""Person::\"a\" ""#),
        principal(r#""Person""#),
        principal(r#""""#),
        principal("null"),
        principal("7"),
        principal(r#"["Person","ana"]"#),
        principal(r#"{"type":"Person"}"#),
        principal(r#"{"type":"Person","id":"a","id":"b"}"#),
        principal(r#"{"type":"Person","id":"a","name":"b"}"#),
        principal(r#"{"type":"Person","id":7}"#),
        principal(r#"{"type":"Person","id":"\ud800"}"#),
        format!("{{{}}}", WHO.replace("\"merge\"", "\"two words\"")),
        format!("{{{}}}", WHO.replace("\"merge\"", r#""Action::\"merge\"""#)),
        // Not a request.
        with("\"action\":\"merge\""),
        with(r#""act\u0069on":"merge""#),
        with("\"evidence\":{},\"evidence\":{}"),
        with("\"principle\":1"),
        with("\"__proto__\":{}"),
        with("\"evidence\":{]"),
        with("\"evidence\":{\"a\":NaN}"),
        with("\"evidence\":{'a':1}"),
        with("\"evidence\":{},"),
        format!("{{{WHO}}} x"),
        format!("\u{feff}{{{WHO}}}"),
        "{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "7".to_owned(),
    ];
    for key in ["principal", "action", "resource"] {
        odd.push(format!("{{{}}}", WHO.replace(key, "other")));
    }
    odd
}

#[test]
fn every_host_reads_requests_alike() {
    let pack = open(&sod_tests::root().join(Path::new("policies/small-team")));
    let asked = odd().into_iter().map(String::into_bytes).collect();
    let corpus = Corpus::new(runtime(), "odd".to_owned(), compile(&pack), asked);
    let read = corpus
        .said
        .iter()
        .filter(|said| !said.starts_with("no request"));
    let (read, all) = (read.count(), corpus.said.len());
    assert!(read > 15 && all - read > 25, "{read} of {all} can be read");
    assert_eq!(corpus.differing_anywhere(), Vec::<String>::new());
}
