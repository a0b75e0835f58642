//! A server with packs that always say the same, and a gate of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sod_host::{EntityUid, RawValue, Request, Runtime};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::Gate;
use super::guest::{Guest, Verdict};
use crate::{Clock, Config, Server, Source};

/// The evidence on which the packs `allows` and `denies` have made up their mind.
pub(super) const EVIDENCE: &str = r#"{"people":[]}"#;

/// 2026-03-02T10:00:00Z
pub(super) const NOW: i64 = 1_772_445_600_000;

/// Keys of a route that asks the pack `allows` about the evidence in a folder.
pub(super) const ROUTE: &str = r#"
    methods = ["POST"]
    path = "/api/deploys/{deployment}"
    principal = { type = "Account", id = "github:{header.x-forwarded-user}" }
    headers_set_by_a_trusted_proxy = ["x-forwarded-user"]
    action = "deploy"
    resource = { type = "Deployment", id = "{deployment}" }
"#;

struct Component(Vec<u8>);

impl Source for Component {
    fn read(&self) -> Result<Vec<u8>, String> {
        Ok(self.0.clone())
    }

    fn watched(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

pub(super) struct World {
    pub(super) folder: TempDir,
    server: Server,
    pub(super) gate: Gate,
}

/// Packs: `allows` and `denies` on [`EVIDENCE`], `bare` allows on none. A fault, and so a denial, on all else.
fn sources() -> BTreeMap<String, Box<dyn Source>> {
    let uid = |kind: &str| EntityUid::new(kind, "x");
    let request = Request::new(uid("Account"), uid("Action"), uid("Deployment"));
    let bare = request.evidence_digest();
    let evidence = RawValue::from_string(EVIDENCE.to_owned()).unwrap();
    let full = request.with_evidence(evidence).evidence_digest();
    let packs = [
        ("allows", Verdict::allow(full)),
        (
            "denies",
            Verdict {
                missing: 1,
                ..Verdict::deny(full)
            },
        ),
        ("bare", Verdict::allow(bare)),
    ];
    let source = |verdict: &Verdict| -> Box<dyn Source> {
        Box::new(Component(Guest::with_verdict(verdict).component()))
    };
    packs
        .iter()
        .map(|(name, verdict)| ((*name).to_owned(), source(verdict)))
        .collect()
}

/// The configuration that this makes, with a folder `evidence` that has `good.json`.
pub(super) fn config(folder: &TempDir, text: &str) -> Config {
    let evidence = folder.path().join("evidence");
    std::fs::create_dir_all(&evidence).unwrap();
    std::fs::write(evidence.join("good.json"), EVIDENCE).unwrap();
    let text = format!(
        "[server]\nhttp = \"127.0.0.1:0\"\n[log]\ndirectory = \"log\"\n\
         [pack.allows]\n[pack.denies]\n[pack.bare]\n{text}"
    );
    Config::parse(&text, "sod.toml", folder.path().to_owned()).unwrap()
}

/// A server of these routes and whatever else.
pub(super) async fn world(text: &str) -> World {
    world_in(TempDir::new().unwrap(), text).await
}

pub(super) async fn world_in(folder: TempDir, text: &str) -> World {
    let config = config(&folder, text);
    let runtime = Runtime::new().unwrap();
    let clock = Clock::from_fn(|| NOW);
    let server = Server::start(&config, sources(), runtime, clock)
        .await
        .unwrap();
    let gate = Gate::open(server.service(), &config).unwrap();
    World {
        folder,
        server,
        gate,
    }
}

/// An answer over HTTP.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answered {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The code of its first reason.
    pub(super) fn code(&self) -> String {
        self.json()["reasons"][0]["code"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

impl World {
    /// Sends this head, byte for byte but for its line ends, and reads the answer.
    pub(super) async fn send(&self, head: &str, body: &str) -> Answered {
        let mut stream = TcpStream::connect(self.server.http().unwrap())
            .await
            .unwrap();
        let lines: Vec<&str> = head
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let length = body.len();
        let request = format!(
            "{}\r\nhost: sod.internal\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}",
            lines.join("\r\n")
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        Answered {
            status,
            headers: lines.map(header).collect(),
            body: body.to_owned(),
        }
    }

    /// As nginx asks for this request of finn's.
    pub(super) async fn nginx(&self, method: &str, target: &str) -> Answered {
        let head = format!(
            "GET /gate/nginx HTTP/1.1
             x-original-method: {method}
             x-original-uri: {target}
             x-forwarded-user: finn-berg"
        );
        self.send(&head, "").await
    }

    /// What is in the decision log, whatever its form.
    pub(super) fn log(&self) -> String {
        let folder = self.folder.path().join("log");
        let files = std::fs::read_dir(folder).unwrap();
        files
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned())
            .collect()
    }
}
