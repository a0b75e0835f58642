//! `sod serve` as Envoy asks it: each request is a check over gRPC, under a route that means it.
//!
//! A check is told effect, reasons and what is missing. The whole verdict is in the decision log, under the id that the
//! check is told: both are compared. The door takes the server's time, so the server is run on a clock that the test
//! sets.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use chrono::DateTime;
use envoy_types::ext_authz::v3::pb::{CheckRequest, CheckResponse, HttpResponse};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request as Asked};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::google::protobuf::Value as Protobuf;
use envoy_types::pb::google::protobuf::value::Kind;
use serde_json::{Value, json};
use sod_host::{Digest, EntityUid, RawValue, Request};
use sod_tests::packs::sod;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::Channel;

use crate::conformance::Corpus;
use crate::hosts::install;

/// Requests at a time.
const STREAMS: usize = 8;
/// Longer than anything here should take.
const PATIENCE: Duration = Duration::from_secs(600);

/// What came of it.
#[derive(Default)]
pub(crate) struct Checked {
    /// Cases that the door cannot carry, each with the reason.
    pub(crate) left_out: Vec<String>,
    /// Where the door, or the log, says something else than the Rust host.
    pub(crate) differing: Vec<String>,
    /// How many decisions are in the log.
    pub(crate) decisions: usize,
}

/// A case, and the route that asks it.
struct Question<'a> {
    name: String,
    pack: String,
    path: String,
    digest: Digest,
    request: Request,
    said: &'a str,
}

/// Asks one server about every case of all packs.
pub(crate) fn decide(corpora: &[Corpus]) -> Checked {
    let mut checked = Checked::default();
    let mut questions = Vec::new();
    for (n, corpus) in corpora.iter().enumerate() {
        for (m, (asked, said)) in corpus.asked.iter().zip(&corpus.said).enumerate() {
            let name = format!("{} {m}", corpus.name);
            let request = Request::from_json(asked).unwrap();
            match unfit(&request) {
                Some(why) => checked.left_out.push(format!("{name}: {why}")),
                None => questions.push(Question {
                    name,
                    pack: format!("pack-{n}"),
                    path: format!("/{n}/{m}"),
                    digest: Digest::of(&corpus.component),
                    request,
                    said,
                }),
            }
        }
    }
    let mut serving = Serving::start(corpora, &questions);
    let answers = serving.ask(&questions);
    assert!(serving.stopped().success(), "{}", serving.stderr());
    let records = serving.records();
    checked.decisions = records.len();
    for (question, answer) in questions.iter().zip(&answers) {
        checked.differing.extend(question.differs(answer, &records));
    }
    checked
}

/// Why the door cannot carry a request.
fn unfit(request: &Request) -> Option<&'static str> {
    if request.entities.is_some() || request.context.is_some() {
        return Some("a check brings evidence, and neither entities nor context");
    }
    match request.now {
        Some(now) if now % 1_000 == 0 => None,
        Some(_) => Some("the clock of this test has full seconds"),
        None => Some("the server adds its own time"),
    }
}

impl Question<'_> {
    /// A route that asks this, with the evidence in the body.
    fn route(&self) -> String {
        let Question { pack, path, .. } = self;
        let entity = |uid: &EntityUid| {
            let id = uid.id.replace('{', "{{").replace('}', "}}");
            // A string of JSON is one of TOML.
            format!("{{ type = {}, id = {} }}", json!(uid.type_name), json!(id))
        };
        let evidence = match self.request.evidence {
            Some(_) => "{ body = { believe_the_client = true } }",
            None => "\"none\"",
        };
        format!(
            "[[route]]\nmethods = [\"POST\"]\npath = \"{path}\"\npack = \"{pack}\"\nprincipal = {}\naction = {}\n\
             resource = {}\nevidence = {evidence}\n",
            entity(&self.request.principal),
            entity(&self.request.action),
            entity(&self.request.resource),
        )
    }

    fn check(&self) -> CheckRequest {
        let evidence = self.request.evidence.as_ref();
        let http = HttpRequest {
            method: "POST".to_owned(),
            path: self.path.clone(),
            host: "deploy.bank.example".to_owned(),
            raw_body: evidence.map_or_else(Vec::new, |json| json.get().as_bytes().to_vec()),
            ..HttpRequest::default()
        };
        CheckRequest {
            attributes: Some(AttributeContext {
                request: Some(Asked {
                    http: Some(http),
                    ..Asked::default()
                }),
                ..AttributeContext::default()
            }),
        }
    }

    /// Where the answer or the record says something else.
    fn differs(
        &self,
        answer: &CheckResponse,
        records: &BTreeMap<String, String>,
    ) -> Option<String> {
        let verdict: Value = serde_json::from_str(self.said).unwrap();
        let id = metadata(answer)["decision_id"].clone();
        let id = id.as_str().unwrap_or_default();
        let (told, expected) = (told(answer), self.expected(&verdict, id));
        if told != expected {
            return Some(format!("{}\n  {expected}\n  {told}", self.name));
        }
        let Some(record) = records.get(id) else {
            return Some(format!("{}: no record `{id}`", self.name));
        };
        let (said, asked) = recorded(record);
        let expected = serde_json::to_string(&self.request).unwrap();
        let differ = said != self.said || asked != expected;
        differ.then(|| format!("{}\n  {expected}\n  {}\n  {record}", self.name, self.said))
    }

    /// What Envoy is to be told of this verdict.
    fn expected(&self, verdict: &Value, id: &str) -> Value {
        let allows = verdict["effect"] == "allow";
        let reasons: Vec<_> = verdict["reasons"].as_array().unwrap().iter().collect();
        let codes: Vec<_> = reasons.iter().map(|reason| &reason["code"]).collect();
        let explained = |reason: &&Value| {
            json!({
                "code": reason["code"],
                "policy": reason["policy"],
                "message": reason["message"],
                "remedy": reason["annotations"]["remedy"],
            })
        };
        let body = json!({
            "reasons": reasons.iter().map(explained).collect::<Vec<_>>(),
            "missing": verdict["missing"],
        });
        json!({
            "code": if allows { Code::Ok as i32 } else { Code::PermissionDenied as i32 },
            "decision_id": id,
            "effect": verdict["effect"],
            "reasons": codes,
            "pack_digest": self.digest,
            "shadow": false,
            "status": if allows { 200 } else { 403 },
            "body": if allows { Value::Null } else { body },
        })
    }
}

/// What Envoy was told.
fn told(answer: &CheckResponse) -> Value {
    let (status, body) = match answer.http_response.as_ref().unwrap() {
        HttpResponse::DeniedResponse(denied) => {
            let body: Value = serde_json::from_str(&denied.body).unwrap();
            let body = json!({"reasons": body["reasons"], "missing": body["missing"]});
            (denied.status.as_ref().unwrap().code, body)
        }
        HttpResponse::OkResponse(_) => (200, Value::Null),
        other => panic!("{other:?}"),
    };
    let metadata = metadata(answer);
    json!({
        "code": answer.status.as_ref().unwrap().code,
        "decision_id": metadata["decision_id"],
        "effect": metadata["effect"],
        "reasons": metadata["reasons"],
        "pack_digest": metadata["pack_digest"],
        "shadow": metadata["shadow"],
        "status": status,
        "body": body,
    })
}

fn metadata(answer: &CheckResponse) -> Value {
    let metadata = answer.dynamic_metadata.clone().unwrap();
    let fields = metadata.fields.into_iter();
    fields.map(|(name, value)| (name, plain(value))).collect()
}

fn plain(value: Protobuf) -> Value {
    match value.kind.unwrap() {
        Kind::BoolValue(truth) => json!(truth),
        Kind::StringValue(text) => json!(text),
        Kind::ListValue(list) => list.values.into_iter().map(plain).collect(),
        other => panic!("{other:?}"),
    }
}

/// Verdict and request of a record, each as JSON, byte for byte.
fn recorded(line: &str) -> (String, String) {
    let record: BTreeMap<String, &RawValue> = serde_json::from_str(line).unwrap();
    assert_eq!(record["api"].get(), "\"ext-authz\"");
    let mut asked = Vec::new();
    for key in ["principal", "action", "resource", "now"] {
        asked.push(format!("\"{key}\":{}", record[key].get()));
    }
    if let Some(evidence) = record.get("evidence") {
        let kept: BTreeMap<String, &RawValue> = serde_json::from_str(evidence.get()).unwrap();
        asked.push(format!("\"evidence\":{}", kept["json"].get()));
    }
    let asked = format!("{{{}}}", asked.join(","));
    let asked = Request::from_json(asked.as_bytes()).unwrap();
    let verdict = record["verdict"].get().to_owned();
    (verdict, serde_json::to_string(&asked).unwrap())
}

/// `sod serve` on a clock that stands still until it is set. It does not outlive the test.
struct Serving {
    child: Child,
    grpc: SocketAddr,
    folder: TempDir,
}

impl Serving {
    fn start(corpora: &[Corpus], questions: &[Question<'_>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config =
            "server.grpc = \"127.0.0.1:0\"\nlog.directory = \"log\"\n[telemetry]\nfilter = \"error\"\n".to_owned();
        for (n, corpus) in corpora.iter().enumerate() {
            fs::write(folder.path().join(format!("{n}.wasm")), &corpus.component).unwrap();
            config += &format!("[pack.pack-{n}]\ncomponent = \"{n}.wasm\"\n");
        }
        config.extend(questions.iter().map(Question::route));
        fs::write(folder.path().join("sod.toml"), config).unwrap();
        set(folder.path(), 0);
        let child = Command::new(sod())
            .args(["serve", "--config", "sod.toml"])
            .current_dir(folder.path())
            .env("LD_PRELOAD", install("tests/faketime/install"))
            .env("FAKETIME_TIMESTAMP_FILE", folder.path().join("time"))
            .env("FAKETIME_NO_CACHE", "1")
            // Timers go on, and files have their own times.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1")
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut serving = Serving {
            child,
            grpc: SocketAddr::from(([127, 0, 0, 1], 0)),
            folder,
        };
        serving.grpc = serving.address();
        serving
    }

    /// Once it is ready.
    fn address(&mut self) -> SocketAddr {
        let began = Instant::now();
        loop {
            let text = self.stderr();
            let mut lines = text.lines();
            if let Some(address) = lines.find_map(|line| line.strip_prefix("note: gRPC on ")) {
                return address.parse().unwrap();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "not ready: {text}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn stderr(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }

    /// The answers, in the order of the questions. What is asked at one time is asked at once.
    fn ask(&self, questions: &[Question<'_>]) -> Vec<CheckResponse> {
        let mut times: BTreeMap<i64, Vec<(usize, CheckRequest)>> = BTreeMap::new();
        for (n, question) in questions.iter().enumerate() {
            let now = question.request.now.unwrap();
            times.entry(now).or_default().push((n, question.check()));
        }
        let address = format!("http://{}", self.grpc);
        let threads = tokio::runtime::Runtime::new().unwrap();
        let mut answers = BTreeMap::new();
        threads.block_on(async {
            let client = AuthorizationClient::connect(address).await.unwrap();
            for (now, checks) in times {
                set(self.folder.path(), now);
                answers.extend(send(&client, checks).await);
            }
        });
        assert_eq!(answers.len(), questions.len());
        answers.into_values().collect()
    }

    /// Ends it as an operator does.
    fn stopped(&mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.unwrap().success());
        self.child.wait().unwrap()
    }

    /// The lines of decisions, by their id.
    fn records(&self) -> BTreeMap<String, String> {
        let mut records = BTreeMap::new();
        for file in fs::read_dir(self.folder.path().join("log")).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|kind| kind != "jsonl") {
                continue;
            }
            for line in fs::read_to_string(path).unwrap().lines() {
                let value: Value = serde_json::from_str(line).unwrap();
                if value["kind"] == "decision" {
                    let id = value["id"].as_str().unwrap().to_owned();
                    assert_eq!(records.insert(id, line.to_owned()), None);
                }
            }
        }
        records
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sets the server's clock. It reads the file whenever it looks.
fn set(folder: &Path, now: i64) {
    let time = DateTime::from_timestamp_millis(now).unwrap();
    let next: PathBuf = folder.join("time.next");
    fs::write(&next, time.format("%Y-%m-%d %H:%M:%S\n").to_string()).unwrap();
    fs::rename(next, folder.join("time")).unwrap();
}

async fn send(
    client: &AuthorizationClient<Channel>,
    checks: Vec<(usize, CheckRequest)>,
) -> Vec<(usize, CheckResponse)> {
    let mut streams: Vec<Vec<_>> = (0..STREAMS).map(|_| Vec::new()).collect();
    for (n, check) in checks.into_iter().enumerate() {
        streams[n % STREAMS].push(check);
    }
    let mut sending = JoinSet::new();
    for checks in streams {
        let mut client = client.clone();
        sending.spawn(async move {
            let mut answers = Vec::new();
            for (n, check) in checks {
                let answer = client.check(check).await.unwrap();
                answers.push((n, answer.into_inner()));
            }
            answers
        });
    }
    sending.join_all().await.into_iter().flatten().collect()
}
