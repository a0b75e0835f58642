//! Ten thousand connections, in a process of its own so that its memory can be told from the clients'.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

use crate::serving::{ALLOWED, Connection, PATIENCE, resident, serve};

const CHILD: &str = "SOD_TEST_SERVER";

/// Serves until its standard input ends, if it is started as below, and is no test otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn as_a_server() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let serving =
        serve("[server.limits]\nidle_timeout_ms = 600000\nheader_timeout_ms = 600000\n").await;
    println!("\nlistening {}", serving.http());
    let end = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    end.await.unwrap().unwrap();
}

struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "many::as_a_server", "--nocapture"])
            .env(CHILD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| Some(line.unwrap().strip_prefix("listening ")?.parse().unwrap()))
            .unwrap();
        Process { child, address }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As many as this process may open, up to so many.
fn allowed(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let files = limit
        .maximum
        .map_or(usize::MAX, |files| usize::try_from(files).unwrap());
    wanted.min(files.saturating_sub(200) / if files < 12_000 { 2 } else { 1 })
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_connections_are_served_within_bounds() {
    let count = allowed(10_000) - 100;
    let server = Process::start();
    let id = server.child.id().to_string();
    let before = resident(&id);
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        let connecting = tokio::time::timeout(PATIENCE, TcpStream::connect(server.address));
        connections.push(Connection(connecting.await.unwrap().unwrap()));
    }
    // Each asks once, while all others stay open.
    let mut asking = tokio::task::JoinSet::new();
    while !connections.is_empty() {
        let mut part = connections.split_off(connections.len().saturating_sub(500));
        asking.spawn(async move {
            for connection in &mut part {
                let answer = connection.ask(ALLOWED).await;
                assert!(
                    answer.is(200) && answer.body.contains("\"allow\""),
                    "{answer:?}"
                );
            }
            part
        });
    }
    let connections = asking.join_all().await;
    let grown = resident(&id).saturating_sub(before);
    println!(
        "{count} connections, all open and answered: {} kB more, {} bytes each",
        grown,
        grown * 1024 / count
    );
    assert!(grown < count * 40, "grew by {grown} kB");
    drop(connections);
    // The places are free again.
    let again = async {
        loop {
            let mut connection = Connection(TcpStream::connect(server.address).await.unwrap());
            if connection.ask(ALLOWED).await.is(200) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}
