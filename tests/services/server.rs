//! A server of its own for each test, and a client that hides nothing.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;
use sod_pack::{CompileOptions, Pack};
use sod_server::{Clock, Config, ServeError, Server, Source};
use sod_tests::root;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// 2026-03-02T10:00:00Z, the time that policies/protected-deploy/example.json is about.
pub(crate) const NOW: i64 = 1_772_445_600_000;

/// A server, until it is dropped.
pub(crate) struct Service {
    threads: Runtime,
    server: Option<Server>,
    address: SocketAddr,
    pub(crate) folder: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Value,
}

/// The component of a pack folder, made once for all tests.
pub(crate) fn component(folder: &Path) -> Vec<u8> {
    static MADE: OnceLock<Mutex<BTreeMap<PathBuf, Vec<u8>>>> = OnceLock::new();
    let made = MADE.get_or_init(Mutex::default);
    let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
    let component = made.entry(folder.to_owned()).or_insert_with(|| {
        let pack = Pack::open(folder).unwrap_or_else(|findings| panic!("{findings:?}"));
        sod_pack::compile(&pack, &CompileOptions::default()).unwrap()
    });
    component.clone()
}

struct Made(PathBuf);

impl Source for Made {
    fn read(&self) -> Result<Vec<u8>, String> {
        Ok(component(&self.0))
    }

    fn watched(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// The folder of the certification's fixture.
pub(crate) fn fixture() -> PathBuf {
    root().join("tests/services/certification")
}

impl Service {
    /// A server of that configuration, its paths from that folder.
    pub(crate) fn start(text: &str, folder: &Path) -> Result<Self, ServeError> {
        let logged = tempfile::tempdir().unwrap();
        let mut config =
            Config::parse(text, "sod.toml", folder.to_owned()).map_err(ServeError::Config)?;
        config.server.http = Some(([127, 0, 0, 1], 0).into());
        config.log.directory = Some(logged.path().join("log"));
        let source = |settings: &Path| -> Box<dyn Source> { Box::new(Made(config.path(settings))) };
        let sources = config
            .pack
            .iter()
            .map(|(name, pack)| (name.clone(), source(pack.folder.as_deref().unwrap())))
            .collect();
        static RUNTIME: OnceLock<sod_host::Runtime> = OnceLock::new();
        let runtime = RUNTIME
            .get_or_init(|| sod_host::Runtime::new().unwrap())
            .clone();
        let threads = Runtime::new().unwrap();
        let clock = Clock::from_fn(|| NOW);
        let server = threads.block_on(Server::start(&config, sources, runtime, clock))?;
        Ok(Service {
            address: server.http().unwrap(),
            server: Some(server),
            threads,
            folder: logged,
        })
    }

    /// The certification's fixture.
    pub(crate) fn fixture() -> Self {
        Service::fixture_with("")
    }

    /// The certification's fixture with more at the beginning of its configuration.
    pub(crate) fn fixture_with(more: &str) -> Self {
        let text = std::fs::read_to_string(fixture().join("sod.toml")).unwrap();
        Service::start(&format!("{more}\n{text}"), &fixture()).unwrap_or_else(|e| panic!("{e:?}"))
    }

    /// Sends these bytes, and reads to the end.
    pub(crate) fn send(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        Answer::read(&answer)
    }

    /// Posts a body under these headers.
    pub(crate) fn post_as(&self, path: &str, headers: &str, body: &str) -> Answer {
        let (address, length) = (self.address, body.len());
        self.send(
            format!(
                "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
            )
            .as_bytes(),
        )
    }

    /// Posts JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(
            path,
            "Content-Type: application/json\r\n",
            &body.to_string(),
        )
    }

    /// Gets.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let address = self.address;
        let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        self.send(head.as_bytes())
    }

    /// Where it is.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// What is in its decision log.
    pub(crate) fn log(&self) -> String {
        fn read(folder: &Path, all: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => read(&path, all),
                    false => all.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap())),
                }
            }
        }
        let mut all = String::new();
        read(&self.folder.path().join("log"), &mut all);
        all
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let _ = self.threads.block_on(server.stop());
        }
    }
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Answer {
            status: status.unwrap_or_else(|| panic!("{head}")),
            head: head.to_owned(),
            body: serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}")),
        }
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    /// `decision`, of an answer that is one as the specification has it.
    #[track_caller]
    pub(crate) fn decision(&self) -> bool {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        decision(&self.body)
    }

    /// Every `decision` of `evaluations`.
    #[track_caller]
    pub(crate) fn decisions(&self) -> Vec<bool> {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.body.get("decision"), None);
        let all = self.body["evaluations"].as_array().unwrap();
        all.iter().map(decision).collect()
    }

    /// `results` of a search.
    #[track_caller]
    pub(crate) fn results(&self) -> Vec<&Value> {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        self.body["results"].as_array().unwrap().iter().collect()
    }

    /// A problem of this type (RFC 9457).
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) -> &Value {
        assert_eq!(self.status, status, "{self:?}");
        let kind = self.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{self:?}");
        assert_eq!(
            self.body["type"],
            format!("urn:sod:problem:{code}"),
            "{self:?}"
        );
        assert_eq!(self.body["status"], status, "{self:?}");
        for text in ["title", "detail", "instance"] {
            assert!(self.body[text].is_string(), "{text}: {self:?}");
        }
        assert_eq!(self.body.get("decision"), None);
        &self.body
    }
}

#[track_caller]
fn decision(of: &Value) -> bool {
    assert!(of["context"].is_object(), "{of}");
    of["decision"].as_bool().unwrap_or_else(|| panic!("{of}"))
}
