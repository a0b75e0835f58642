//! The server as one more host: each request over HTTP.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;

use sod_host::Runtime;
use sod_server::{Clock, Config, Server, Source};

struct Component(Vec<u8>);

impl Source for Component {
    fn read(&self) -> Result<Vec<u8>, String> {
        Ok(self.0.clone())
    }

    fn watched(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// Callers bring the time of their cases.
const CONFIGURATION: &str = r#"
    server.http = "127.0.0.1:0"
    log.directory = "log"
    api.caller_time = true
    pack.only.component = "policy.wasm"
"#;

/// What the server answers to each of the requests.
pub(crate) fn decide(runtime: &Runtime, component: &[u8], asked: &[Vec<u8>]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::parse(CONFIGURATION, "sod.toml", folder.path().to_owned()).unwrap();
    let source: Box<dyn Source> = Box::new(Component(component.to_owned()));
    let sources = BTreeMap::from([("only".to_owned(), source)]);
    let threads = tokio::runtime::Runtime::new().unwrap();
    let starting = Server::start(&config, sources, runtime.clone(), Clock::system());
    let server = threads.block_on(starting).unwrap();
    let address = server.http().unwrap();
    let said = asked.iter().map(|request| post(address, request)).collect();
    let _ = threads.block_on(server.stop());
    said
}

fn post(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/decide HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        request.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    body.to_owned()
}
