//! The plugin in the proxy that it is for: every case of a pack through a real Envoy.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sod_host::Request;
use sod_pack::Target;

use super::proxy::route;
use crate::engines::{compile, open, runtime};

/// An Envoy, until it is dropped.
struct Envoy {
    process: Child,
    socket: PathBuf,
    folder: tempfile::TempDir,
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn installed() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let install = sod_tests::root().join("tests/envoy/install");
    let output = Command::new(install).arg(target).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

impl Envoy {
    fn start(plugin: &[u8], configuration: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("envoy.sock");
        fs::write(folder.path().join("plugin.wasm"), plugin).unwrap();
        let config = envoy_configuration(&socket, configuration).to_string();
        fs::write(folder.path().join("envoy.yaml"), config).unwrap();
        let log = fs::File::create(folder.path().join("envoy.log")).unwrap();
        let process = Command::new(installed())
            .args([
                "-c",
                "envoy.yaml",
                "--use-dynamic-base-id",
                "--concurrency",
                "1",
            ])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut envoy = Envoy {
            process,
            socket,
            folder,
        };
        envoy.wait();
        envoy
    }

    /// It listens when it has compiled the plugin, which takes as long as the machine is busy.
    fn wait(&mut self) {
        let began = Instant::now();
        while UnixStream::connect(&self.socket).is_err() {
            let ended = self.process.try_wait().unwrap();
            let log = fs::read_to_string(self.folder.path().join("envoy.log")).unwrap();
            assert!(ended.is_none(), "{log}");
            assert!(began.elapsed() < Duration::from_secs(600), "{log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Status and body.
    fn post(&self, path: &str, body: &str) -> (u16, String) {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }
}

/// Nothing behind it: what the plugin lets through gets a 404.
fn envoy_configuration(socket: &Path, configuration: &Value) -> Value {
    let any = |name: &str| format!("type.googleapis.com/{name}");
    json!({"static_resources": {"listeners": [{
        "name": "test",
        "address": {"pipe": {"path": socket}},
        "per_connection_buffer_limit_bytes": 16 << 20,
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": any("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
                "stat_prefix": "test",
                // It does not wait for a client to close who waits for it.
                "delayed_close_timeout": "0s",
                "route_config": {"virtual_hosts": []},
                "http_filters": [
                    {"name": "envoy.filters.http.wasm", "typed_config": {
                        "@type": any("envoy.extensions.filters.http.wasm.v3.Wasm"),
                        "config": {
                            "name": "sod",
                            "failure_policy": "FAIL_CLOSED",
                            "allow_on_headers_stop_iteration": true,
                            "vm_config": {
                                "runtime": "envoy.wasm.runtime.v8",
                                "code": {"local": {"filename": "plugin.wasm"}},
                            },
                            "configuration": {
                                "@type": any("google.protobuf.StringValue"),
                                "value": configuration.to_string(),
                            },
                        },
                    }},
                    {"name": "envoy.filters.http.router", "typed_config": {
                        "@type": any("envoy.extensions.filters.http.router.v3.Router"),
                    }},
                ],
            },
        }]}],
    }]}})
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

#[test]
fn a_real_envoy_says_what_the_component_says_byte_for_byte() {
    let pack = open(&sod_tests::root().join("policies/protected-deploy"));
    let cases = sod_pack::cases::read(&pack).unwrap();
    let (pack, cases) = sod_pack::cases::by_choice(&pack, &cases)
        .into_iter()
        .max_by_key(|(_, cases)| cases.len())
        .unwrap();
    let read = |case: &&sod_pack::cases::Case| {
        Request::from_json(&serde_json::to_vec(&case.request).unwrap()).unwrap()
    };
    let requests: Vec<Request> = cases.iter().map(read).collect();
    let path = |n: usize| format!("/cases/{n}");
    let routes: Vec<Value> = (0..)
        .zip(&requests)
        .map(|(n, request)| route(&path(n), request))
        .collect();
    let configuration = json!({
        "routes": routes, "respond_with_verdict": true, "max_body_bytes": 16 << 20,
    });
    let envoy = Envoy::start(&super::compile(&pack, Target::ProxyWasm), &configuration);
    let component = runtime().load(&compile(&pack)).unwrap();
    let (mut allowed, mut denied) = (0, 0);
    for (n, request) in (0..).zip(requests) {
        let body = request.evidence.as_ref().map_or("", |json| json.get());
        let (status, said) = envoy.post(&path(n), body);
        // Envoy has its own clock, and these verdicts do not hang on the minute.
        let request = request.with_now(now());
        let expected = match component.try_decide(&request) {
            Ok(verdict) => serde_json::to_string(&verdict).unwrap(),
            Err(_) => {
                assert_eq!(status, 403, "{said}");
                continue;
            }
        };
        assert_eq!(said, expected, "{status}: {request:?}");
        match status {
            200 => allowed += 1,
            403 => denied += 1,
            _ => panic!("{status}: {said}"),
        }
    }
    assert!(
        allowed > 20 && denied > 50,
        "{allowed} allowed, {denied} denied"
    );
}
