//! A folder, a component, and services that write a log.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sod_host::{CacheLocation, Digest, Effect, EntityUid, RawValue, Request, Runtime};
use sod_server::audit::{Log, Verified, verify};
use sod_server::log::{DecisionLog, LogError};
use sod_server::{Api, Asked, Clock, Config, Decided, Origin, Packs, Refusal, Service, Source};
use tempfile::TempDir;

use crate::guest::{Guest, Verdict};

/// 2026-01-31T12:00:00Z
pub(crate) const NOON: i64 = 1_769_860_800_000;

pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Source for Bytes {
    fn read(&self) -> Result<Vec<u8>, String> {
        Ok(self.0.clone())
    }

    fn watched(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

pub(crate) fn runtime() -> Runtime {
    let runtime = Runtime::builder()
        .cache(CacheLocation::Nowhere)
        .concurrency(4);
    runtime.build().unwrap()
}

pub(crate) const EVIDENCE: &str = r#"{"people": [{"id": "ana", "email": "ana@bank.example"}]}"#;

pub(crate) fn request() -> Request {
    Request::new(
        EntityUid::new("Person", "ana"),
        EntityUid::new("Action", "merge"),
        EntityUid::new("Change", "bank/payments#42"),
    )
    .with_evidence(RawValue::from_string(EVIDENCE.to_owned()).unwrap())
}

/// A component that allows whatever is asked on [`EVIDENCE`].
pub(crate) fn component() -> Vec<u8> {
    Guest::with_verdict(&Verdict::allow(request().evidence_digest())).component()
}

/// Another one, that denies it.
pub(crate) fn denying() -> Vec<u8> {
    Guest::with_verdict(&Verdict::deny(request().evidence_digest())).component()
}

pub(crate) struct World {
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        World {
            folder: TempDir::new().unwrap(),
        }
    }

    /// The folder of the log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// `[log]` with a folder and these lines.
    pub(crate) fn config(&self, lines: &str) -> Config {
        let text = format!("[log]\ndirectory = \"log\"\n{lines}");
        Config::parse(&text, "test.toml", self.folder.path().to_owned()).unwrap()
    }

    pub(crate) fn try_start(&self, lines: &str, clock: &Clock) -> Result<Service, LogError> {
        let log = DecisionLog::open(&self.config(lines), clock)?;
        Ok(self.service(log, clock))
    }

    pub(crate) fn service(&self, log: DecisionLog, clock: &Clock) -> Service {
        let packs = Packs::new(runtime());
        let source = Box::new(Bytes(component()));
        packs
            .add("small", source, Default::default(), None)
            .unwrap();
        Service::new(packs, log, clock.clone(), 64)
    }

    pub(crate) fn start(&self, lines: &str) -> Service {
        self.try_start(lines, &Clock::system()).unwrap()
    }

    pub(crate) fn verify(&self, heads: &[Digest]) -> Verified {
        verify(&Log::open(&[self.log()]).unwrap(), heads).unwrap()
    }

    #[track_caller]
    pub(crate) fn whole(&self) -> Verified {
        let verified = self.verify(&[]);
        assert!(verified.whole, "{:#?}", verified.breaks);
        verified
    }

    /// The files of the log, the oldest first.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        files(&self.log())
    }

    /// All records in their order.
    pub(crate) fn records(&self) -> Vec<Value> {
        let texts = self
            .files()
            .into_iter()
            .map(|path| fs::read_to_string(path).unwrap());
        let lines: Vec<String> = texts
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The records of this kind.
    pub(crate) fn kind(&self, kind: &str) -> Vec<Value> {
        let mut records = self.records();
        records.retain(|record| record["kind"] == kind);
        records
    }
}

pub(crate) fn files(log: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(log)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    files.sort();
    files
}

pub(crate) fn origin() -> Origin {
    Origin {
        api: Api::Native,
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
        request_id: Some("request-1".to_owned()),
        client: Some("deployer".to_owned()),
    }
}

pub(crate) fn asked(service: &Service, request: Request) -> Asked {
    Asked {
        pack: service.packs().get(Some("small")).unwrap(),
        request,
        origin: origin(),
        shadow: false,
    }
}

/// Decides, on a thread of its own runtime.
pub(crate) fn decide(service: &Service, request: Request) -> Result<Decided, Refusal> {
    let threads = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    threads.block_on(service.decide(asked(service, request)))
}

/// Decides so many times.
pub(crate) fn decide_times(service: &Service, times: usize) {
    for _ in 0..times {
        assert_eq!(
            decide(service, request()).unwrap().verdict.effect,
            Effect::Allow
        );
    }
}
