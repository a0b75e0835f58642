//! A decision log, from the server that writes it to the auditor who does not believe it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sod_host::{CacheLocation, Request, Runtime};
use sod_pack::{Pack, cases};
use sod_server::log::DecisionLog;
use sod_server::{Api, Asked, Clock, Config, Origin, Packs, Service, Source};

use crate::run::{Folder, allowed, command, component, denied, run, shipped};
use crate::served::Served;

/// A log of an allow and a denial, in this folder.
fn written(folder: &Folder) -> String {
    let service = service(folder, component().into(), "");
    for request in [allowed(), denied()] {
        decide(&service, &request);
    }
    service.log().stop().unwrap();
    folder.path("decisions")
}

struct File(PathBuf);

impl Source for File {
    fn read(&self) -> Result<Vec<u8>, String> {
        fs::read(&self.0).map_err(|error| error.to_string())
    }

    fn watched(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

fn service(folder: &Folder, component: PathBuf, lines: &str) -> Service {
    let text = format!("[log]\ndirectory = \"decisions\"\n{lines}");
    let config = Config::parse(&text, "test.toml", folder.path("").into()).unwrap();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache/sod");
    let runtime = Runtime::builder()
        .cache(CacheLocation::Directory(cache))
        .concurrency(2);
    let packs = Packs::new(runtime.build().unwrap());
    packs
        .add(
            "served",
            Box::new(File(component)),
            Default::default(),
            None,
        )
        .unwrap();
    let log = DecisionLog::open(&config, &Clock::system()).unwrap();
    Service::new(packs, log, Clock::system(), 4)
}

fn decide(service: &Service, request: &Value) {
    let asked = Asked {
        pack: service.packs().get(None).unwrap(),
        request: Request::from_json(request.to_string().as_bytes()).unwrap(),
        origin: Origin {
            api: Api::Native,
            trace_id: None,
            request_id: None,
            client: None,
        },
        shadow: false,
    };
    let threads = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    threads.block_on(service.decide(asked)).unwrap();
}

fn only_file(log: &str) -> PathBuf {
    let files = fs::read_dir(log)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files = files.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    let file = files.next().unwrap();
    assert!(files.next().is_none());
    file
}

#[test]
fn a_whole_log_is_0_and_says_what_is_in_it() {
    let folder = Folder::new();
    let log = written(&folder);
    let human = run(&["audit", "verify", &log]).expect(0);
    assert!(
        human.stdout.starts_with("WHOLE  5 records\n"),
        "{}",
        human.stdout
    );
    assert!(
        human.stdout.contains("2 decisions: 1 allow, 1 deny"),
        "{}",
        human.stdout
    );
    let json = run(&["audit", "verify", &log, "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (&json["whole"], &json["records"], &json["lost"]),
        (&true.into(), &5.into(), &0.into())
    );
    let file = only_file(&log);
    // The digest of the last line, as any tool makes it.
    let text = fs::read_to_string(&file).unwrap();
    let head = sod_host::Digest::of(text.lines().last().unwrap().as_bytes()).to_string();
    assert_eq!(json["head"], head);
    let pinned = ["audit", "verify", file.to_str().unwrap(), "--head", &head];
    run(&pinned).expect(0);
}

#[test]
fn a_broken_log_is_5_and_says_where() {
    let folder = Folder::new();
    let log = written(&folder);
    let head = run(&["audit", "verify", &log, "--format", "json"])
        .expect(0)
        .json()["head"]
        .clone();
    let file = only_file(&log);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"finn\"", "\"gina\"", 1)).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let human = run(&["audit", "verify", &log]).expect(5);
    assert!(
        human.stdout.starts_with("BROKEN  in 1 place, 5 records\n"),
        "{}",
        human.stdout
    );
    // The line after the one that was changed.
    assert!(
        human
            .stdout
            .contains(&format!("  {name}:4: it is not tied")),
        "{}",
        human.stdout
    );

    let end = text.trim_end().rfind('\n').unwrap();
    fs::write(&file, &text[..=end]).unwrap();
    run(&["audit", "verify", &log]).expect(0);
    let json = run(&[
        "audit",
        "verify",
        &log,
        "--head",
        head.as_str().unwrap(),
        "--format",
        "json",
    ]);
    assert_eq!(json.expect(5).json()["breaks"][0]["line"], 4);
}

#[test]
fn what_is_no_log_is_1_and_what_is_no_digest_64() {
    let folder = Folder::new();
    for verb in ["verify", "replay"] {
        run(&["audit", verb, &folder.path("absent")]).expect(1);
        let empty = run(&["audit", verb, &folder.path("")]).expect(1);
        assert!(
            empty.stderr.contains("no decision log in"),
            "{}",
            empty.stderr
        );
        run(&["audit", verb]).expect(64);
    }
    run(&["audit", "verify", &folder.path(""), "--head", "sha256:12"]).expect(64);
    run(&["audit", "replay", &folder.path(""), "--from", "yesterday"]).expect(64);
}

#[test]
fn a_replay_tells_the_same_from_the_different() {
    let folder = Folder::new();
    let log = written(&folder);
    let same = run(&["audit", "replay", &log]).expect(0);
    assert!(
        same.stdout.starts_with("SAME  2 the same, 0 different"),
        "{}",
        same.stdout
    );
    // Somebody makes a denial of what was allowed, and ties all lines anew.
    let file = only_file(&log);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        tied(&text.replace("\"effect\":\"allow\"", "\"effect\":\"deny\"")),
    )
    .unwrap();
    run(&["audit", "verify", &log]).expect(0);
    let different = run(&["audit", "replay", &log]).expect(4);
    assert!(
        different.stdout.contains("effect: deny became allow"),
        "{}",
        different.stdout
    );
    let json = run(&["audit", "replay", &log, "--format", "json"])
        .expect(4)
        .json();
    assert_eq!((&json["same"], &json["differ"]), (&1.into(), &1.into()));
    assert_eq!(json["differences"][0]["seq"], 3);
}

/// The lines of a log with a chain that is made anew.
fn tied(text: &str) -> String {
    let mut prev = String::new();
    let mut out = String::new();
    for line in text.lines() {
        let at = line.rfind("\"prev\":").unwrap();
        let line = match prev.is_empty() {
            true => line.to_owned(),
            false => format!("{}\"prev\":\"{prev}\"}}", &line[..at]),
        };
        prev = sod_host::Digest::of(line.as_bytes()).to_string();
        out += &format!("{line}\n");
    }
    out
}

#[test]
fn a_replay_that_lacks_something_is_not_ok() {
    let folder = Folder::new();
    let log = written(&folder);
    let components = Path::new(&log).join("components");
    let kept = fs::read_dir(&components)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::remove_file(&kept).unwrap();
    let lacks = run(&["audit", "replay", &log]).expect(1);
    assert!(
        lacks
            .stdout
            .contains("2 records: its component is not kept"),
        "{}",
        lacks.stdout
    );
    run(&["audit", "replay", &log, "--component", component()]).expect(0);
    run(&["audit", "replay", &log, "--component", "README.md"]).expect(1);
    fs::write(&kept, b"another").unwrap();
    run(&["audit", "replay", &log]).expect(5);
    // Nothing was asked about, so nothing came out the same.
    run(&[
        "audit",
        "replay",
        &log,
        "--component",
        component(),
        "--pack",
        "other",
    ])
    .expect(1);

    let masked = Folder::new();
    let rule = "[[log.mask]]\npath = \"/evidence/people/*/name\"\nwith = \"remove\"\n[[log.mask]]\npath = \"/evidence/people/*/id\"\nwith = \"digest\"";
    decide(&service(&masked, component().into(), rule), &denied());
    let lacks = run(&["audit", "replay", &masked.path("decisions")]).expect(1);
    assert!(
        lacks
            .stdout
            .contains("1 record: something that bears on it is masked"),
        "{}",
        lacks.stdout
    );
}

#[test]
fn a_record_is_shown_by_its_id() {
    let folder = Folder::new();
    let log = written(&folder);
    let text = fs::read_to_string(only_file(&log)).unwrap();
    let record: Value = serde_json::from_str(text.lines().nth(2).unwrap()).unwrap();
    let id = record["id"].as_str().unwrap();
    assert_eq!(run(&["audit", "show", id, &log]).expect(0).json(), record);
    run(&[
        "audit",
        "show",
        "01a202dc-fda4-7435-993e-59d0a745bd2f",
        &log,
    ])
    .expect(1);
    run(&["audit", "show", "7", &log]).expect(64);
}

/// All that two packs are tested with, allowed and denied.
#[test]
fn every_case_of_a_pack_comes_out_the_same_to_the_byte() {
    for pack in ["protected-deploy", "two-person-change"] {
        let folder = Folder::new();
        let mut built = component().to_owned();
        if pack != "protected-deploy" {
            built = folder.path("built.wasm");
            run(&["build", &format!("policies/{pack}"), "-o", &built]).expect(0);
        }
        let service = service(
            &folder,
            built.into(),
            "rotate_bytes = 100000\nevidence = \"file\"",
        );
        let mut cases = cases::read(&Pack::open(shipped(pack)).unwrap()).unwrap();
        cases.retain(|case| case.choose.is_empty() && !case.facts);
        assert!(cases.len() > 20, "{}", cases.len());
        for case in &cases {
            decide(&service, &case.request);
        }
        let log = folder.path("decisions");
        let verified = run(&["audit", "verify", &log, "--format", "json"])
            .expect(0)
            .json();
        assert_eq!(verified["decisions"], cases.len());
        assert!(verified["allows"].as_u64() > Some(0), "{verified}");
        let replayed = run(&["audit", "replay", &log, "--format", "json"])
            .expect(0)
            .json();
        assert_eq!(replayed["same"], cases.len());
    }
}

/// With `kill -9`, in the middle of load, and again after a restart.
#[test]
fn a_server_that_is_killed_loses_no_record_whose_answer_was_received() {
    let folder = Folder::new();
    let config = folder.write(
        "config.toml",
        format!(
            "[server]\nhttp = \"127.0.0.1:0\"\n[log]\ndirectory = \"decisions\"\nrotate_bytes = 200000\n[pack.p]\ncomponent = {:?}\n",
            component()
        ),
    );
    let mut answered = Vec::new();
    for round in 0..3 {
        let served = Served::start(command(&["serve", "--config", &config]), &folder);
        answered.extend(under_load(served, round));
    }
    let served = Served::start(command(&["serve", "--config", &config]), &folder);
    served.interrupt();
    let log = folder.path("decisions");
    let verified = run(&["audit", "verify", &log, "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(verified["starts"], 4);
    assert!(verified["decisions"].as_u64() >= Some(answered.len() as u64));
    let mut files: Vec<_> = fs::read_dir(&log)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    files.sort();
    let mut recorded = Vec::new();
    for file in files {
        for line in fs::read_to_string(file).unwrap().lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            recorded.extend(record["resource"]["id"].as_str().map(str::to_owned));
        }
    }
    for id in &answered {
        let times = recorded.iter().filter(|recorded| *recorded == id).count();
        assert_eq!(times, 1, "{id}");
    }
}

/// Four clients ask about something of their own each time, until the server is killed. Which were answered.
fn under_load(served: Served, round: usize) -> Vec<String> {
    const BEFORE: usize = 100;
    let address = served.address();
    let count = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let client = |client: usize| {
            let count = &count;
            scope.spawn(move || {
                let mut answered = Vec::new();
                let mut request = denied();
                request.as_object_mut().unwrap().remove("now");
                for number in 0.. {
                    let id = format!("{round}-{client}-{number}");
                    request["resource"] = serde_json::json!({"type": "Deployment", "id": id});
                    match served_once(address, &request) {
                        Some(200) => answered.push(id),
                        Some(status) => panic!("{status}"),
                        None => break,
                    }
                    count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                answered
            })
        };
        let clients: Vec<_> = (0..4).map(client).collect();
        while count.load(std::sync::atomic::Ordering::Relaxed) < BEFORE {
            assert!(clients.iter().any(|client| !client.is_finished()));
            std::thread::yield_now();
        }
        served.kill();
        let answered: Vec<_> = clients
            .into_iter()
            .flat_map(|client| client.join().unwrap())
            .collect();
        assert!(answered.len() >= BEFORE);
        answered
    })
}

fn served_once(address: std::net::SocketAddr, request: &Value) -> Option<u16> {
    crate::served::post(address, "/v1/decide", &request.to_string())
}

#[test]
fn what_no_record_names_is_listed_and_then_removed() {
    let folder = Folder::new();
    let service = service(&folder, component().into(), "evidence = \"file\"");
    decide(&service, &allowed());
    service.log().stop().unwrap();
    let log = folder.path("decisions");
    let stray = format!("{log}/evidence/sha256-{}.json", "0".repeat(64));
    fs::write(&stray, "{}").unwrap();
    let listed = run(&["audit", "unused", &log]).expect(0).stdout;
    assert_eq!(listed, format!("UNUSED  1 file, 2 bytes\n  {stray}\n"));
    // This process still writes to it.
    let refused = run(&["audit", "unused", &log, "--remove"]).expect(1);
    assert!(
        refused.stderr.contains("another server writes"),
        "{}",
        refused.stderr
    );
    drop(service);
    // A log that is not whole, for a moment.
    let file = only_file(&log);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"finn\"", "\"gina\"", 1)).unwrap();
    let refused = run(&["audit", "unused", &log, "--remove"]).expect(5);
    assert!(
        refused.stderr.contains("sod audit verify"),
        "{}",
        refused.stderr
    );
    fs::write(&file, text).unwrap();
    assert!(Path::new(&stray).exists());
    let json = run(&["audit", "unused", &log, "--remove", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        json,
        serde_json::json!({"files": [stray], "bytes": 2, "removed": true})
    );
    assert!(!Path::new(&stray).exists());
    run(&["audit", "replay", &log]).expect(0);
    let nothing = run(&["audit", "unused", &log, "--remove"]).expect(0).stdout;
    assert_eq!(nothing, "REMOVED  0 files, 0 bytes\n");
}
