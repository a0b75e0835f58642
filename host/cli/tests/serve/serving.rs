//! A `sod serve` of one's own, and a client for it.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "some test targets use a part of it"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here should take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// A request that every pack made here allows.
pub(crate) const ALLOWED: &str =
    r#"{"principal": "user::\"ana\"", "action": "view", "resource": "record::\"1\""}"#;

pub(crate) fn sod(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sod"));
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    command
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", cache)
        .env_remove("SOD_LOG")
        .stdin(Stdio::null());
    command
}

pub(crate) fn run(arguments: &[&str], folder: &Path) -> Output {
    sod(arguments, folder).output().unwrap()
}

/// A pack that lets everybody view, in whose rule this name is, so that it has a digest of its own.
pub(crate) fn build(folder: &Path, name: &str) -> PathBuf {
    let pack = folder.join(name);
    fs::create_dir_all(pack.join("rules")).unwrap();
    let manifest = "name = \"views\"\nversion = \"0.1.0\"\nmode = \"cedar\"\n";
    fs::write(pack.join("pack.toml"), manifest).unwrap();
    let schema = "entity user;\nentity record;\naction view appliesTo { principal: [user], resource: [record] };\n";
    fs::write(pack.join("schema.cedarschema"), schema).unwrap();
    let rule = format!(
        "@id(\"{name}\")\npermit (principal is user, action == Action::\"view\", resource is record);\n"
    );
    fs::write(pack.join("rules/view.cedar"), rule).unwrap();
    let file = folder.join(format!("{name}.wasm"));
    let built = run(&["build", name, "-o", file.to_str().unwrap()], folder);
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    file
}

/// Puts a file in the place of another, whole.
pub(crate) fn replace(file: &Path, bytes: &[u8]) {
    let next = file.with_extension("next");
    fs::write(&next, bytes).unwrap();
    fs::rename(next, file).unwrap();
}

/// A server that is ready. It does not outlive the test.
pub(crate) struct Serving {
    child: Child,
    pub(crate) http: SocketAddr,
    errors: PathBuf,
}

impl Serving {
    /// `sod serve --config sod.toml` in that folder.
    pub(crate) fn start(folder: &Path) -> Self {
        Serving::writing_to(folder, Stdio::null())
    }

    /// The same, with its stdout there.
    pub(crate) fn writing_to(folder: &Path, stdout: impl Into<Stdio>) -> Self {
        let errors = folder.join("stderr");
        let child = sod(&["serve", "--config", "sod.toml"], folder)
            .stdout(stdout)
            .stderr(fs::File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        let mut serving = Serving {
            child,
            http: SocketAddr::from(([127, 0, 0, 1], 0)),
            errors,
        };
        let began = Instant::now();
        loop {
            let text = serving.stderr();
            let ready = text
                .lines()
                .find_map(|line| line.strip_prefix("note: HTTP on "));
            if let Some(address) = ready {
                serving.http = address.parse().unwrap();
                return serving;
            }
            let ended = serving.child.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "not ready: {text}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(&self.errors).unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "it does not end: {}",
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.http)
    }

    /// The value of a metric with these labels, 0 if there is none yet.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let metrics = self.client().get("/metrics").body;
        let value = metrics
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    pub(crate) fn until(&self, name: &str, least: f64) {
        let began = Instant::now();
        while self.metric(name) < least {
            assert!(
                began.elapsed() < PATIENCE,
                "{name} never got to {least}: {}",
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kilobytes in memory.
    pub(crate) fn resident(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that is kept.
pub(crate) struct Client(BufReader<TcpStream>);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(BufReader::new(stream))
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: sod\r\n\r\n"));
        self.answer().unwrap()
    }

    /// Asks `/v1/decide`. None if the connection ended before there was an answer.
    pub(crate) fn ask(&mut self, body: &str) -> Option<Answer> {
        let length = body.len();
        let head = "POST /v1/decide HTTP/1.1\r\nhost: sod\r\ncontent-type: application/json";
        let request = format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}");
        self.0.get_mut().write_all(request.as_bytes()).ok()?;
        self.answer()
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            lines.push(line);
        }
        let status = lines.first()?.split(' ').nth(1)?.parse().unwrap();
        let headers: Vec<_> = lines
            .iter()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, length)| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).ok()?;
        Some(Answer {
            status,
            headers,
            body: String::from_utf8(body).unwrap(),
        })
    }
}

/// The ids of all decisions in a log, in its order.
pub(crate) fn logged(log: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(log).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            continue;
        }
        for line in BufReader::new(fs::File::open(path).unwrap()).lines() {
            let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            if line["kind"] == "decision" {
                ids.push(line["id"].as_str().unwrap().to_owned());
            }
        }
    }
    ids
}
