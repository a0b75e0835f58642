//! A server for one test, and what can be sent to it byte by byte.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sod_host::{CacheLocation, EntityUid, Request, Runtime};
use sod_server::{Clock, Config, Server, Source, Sources};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::guest::{Guest, Verdict};

/// A request that the guest allows: its answer is for a request without evidence.
pub(crate) const ALLOWED: &str =
    r#"{"principal": "Person::\"ana\"", "action": "merge", "resource": "Change::\"1\""}"#;

/// Longer than anything here should take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A component file.
struct File(PathBuf);

impl Source for File {
    fn read(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }

    fn watched(&self) -> Vec<PathBuf> {
        vec![self.0.clone()]
    }
}

/// A component that allows, or denies, whatever has no evidence.
pub(crate) fn component(allows: bool) -> Vec<u8> {
    let uid = EntityUid::new("Any", "one");
    let nothing = Request::new(uid.clone(), uid.clone(), uid).evidence_digest();
    let verdict = if allows {
        Verdict::allow(nothing)
    } else {
        Verdict::deny(nothing)
    };
    Guest::with_verdict(&verdict).component()
}

pub(crate) fn runtime(config: &Config) -> Runtime {
    let builder = Runtime::builder().concurrency(config.server.places());
    builder.cache(CacheLocation::Nowhere).build().unwrap()
}

pub(crate) struct Serving {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

/// Serves a component that allows, with that configuration.
pub(crate) async fn serve(settings: &str) -> Serving {
    let folder = tempfile::tempdir().unwrap();
    serve_in(folder, settings, Clock::system()).await
}

pub(crate) async fn serve_in(folder: TempDir, settings: &str, clock: Clock) -> Serving {
    let (config, sources) = configured(folder.path(), settings);
    let runtime = runtime(&config);
    let server = Server::start(&config, sources, runtime, clock)
        .await
        .unwrap();
    Serving { server, folder }
}

/// `settings` are the keys of `[server]` and what follows.
pub(crate) fn configured(folder: &Path, settings: &str) -> (Config, Sources) {
    let file = folder.join("pack.wasm");
    if !file.exists() {
        std::fs::write(&file, component(true)).unwrap();
    }
    let text = format!(
        "pack.one.component = \"pack.wasm\"\nlog.directory = \"log\"\n[server]\nhttp = \"127.0.0.1:0\"\n{settings}"
    );
    let config = Config::parse(&text, "sod.toml", folder.to_owned()).unwrap();
    let source: Box<dyn Source> = Box::new(File(file));
    (config, BTreeMap::from([("one".to_owned(), source)]))
}

impl Serving {
    pub(crate) fn http(&self) -> SocketAddr {
        self.server.http().unwrap()
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection(TcpStream::connect(self.http()).await.unwrap())
    }

    /// One more answer, to this.
    pub(crate) async fn ask(&self, request: &str) -> Answer {
        let mut connection = self.connect().await;
        connection.send(request.as_bytes()).await;
        connection.answer().await
    }

    /// Asks something that is allowed: the server goes on.
    pub(crate) async fn goes_on(&self) {
        let answer = self.connect().await.ask(ALLOWED).await;
        assert!(answer.is(200), "{answer:?}");
        assert!(answer.body.contains("\"allow\""), "{answer:?}");
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&get(path)).await
    }

    /// The value of a metric with these labels.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let metrics = self.get("/metrics").await.body;
        let line = metrics.lines().find(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(' '))
        });
        line.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    /// Waits until the metric is at least that.
    pub(crate) async fn until(&self, name: &str, least: f64) {
        let reached = async {
            while self.metric(name).await.is_none_or(|value| value < least) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(PATIENCE, reached).await.is_err() {
            panic!(
                "{name} never got to {least}: {}",
                self.get("/metrics").await.body
            );
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The decisions in the log.
    pub(crate) fn decisions(&self) -> Vec<String> {
        self.lines("\"kind\":\"decision\"")
    }

    /// The lines of the log that have this in them.
    pub(crate) fn lines(&self, part: &str) -> Vec<String> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.file("log")).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
            let lines = text.lines().filter(|line| line.contains(part));
            all.extend(lines.map(str::to_owned));
        }
        all
    }
}

/// A client that speaks HTTP/2 from the first byte, as gRPC does.
pub(crate) fn http2_client() -> reqwest::Client {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().http2_prior_knowledge();
    builder.build().unwrap()
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: sod\r\n\r\n")
}

pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: sod\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// A client that does as it is told.
pub(crate) struct Connection<S = TcpStream>(pub(crate) S);

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Connection<S> {
    pub(crate) async fn ask(&mut self, body: &str) -> Answer {
        self.send(post("/v1/decide", body).as_bytes()).await;
        self.answer().await
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Reads one answer; status 0 if the connection ends before there is one.
    pub(crate) async fn answer(&mut self) -> Answer {
        let reading = timeout(PATIENCE, self.read());
        reading.await.expect("an answer or an end")
    }

    async fn read(&mut self) -> Answer {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    let is_length = name.eq_ignore_ascii_case("content-length");
                    is_length.then(|| value.trim().parse::<usize>().unwrap())
                });
                if body.len() >= length.unwrap_or(0) {
                    return Answer::new(head, body);
                }
            }
            let mut more = [0; 4096];
            match self.0.read(&mut more).await {
                Ok(0) | Err(_) => return Answer::new(&String::from_utf8_lossy(&bytes), ""),
                Ok(count) => bytes.extend_from_slice(&more[..count]),
            }
        }
    }

    /// Waits until the server closes the connection.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let end = timeout(PATIENCE, self.0.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "the connection stays open");
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn new(head: &str, body: &str) -> Self {
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Answer {
            status: status.unwrap_or(0),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn is(&self, status: u16) -> bool {
        self.status == status
    }

    /// A 503 with this code, that says when to ask again and is no permission.
    #[track_caller]
    pub(crate) fn is_unavailable(&self, code: &str) {
        assert!(self.is(503), "{self:?}");
        assert!(self.head.contains("\r\nretry-after: 1"), "{self:?}");
        assert!(self.body.contains(code), "no `{code}`: {self:?}");
        assert!(!self.body.contains("allow"), "{self:?}");
    }
}

/// Kilobytes that a process has in memory.
pub(crate) fn resident(process: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
