//! A `sod serve` of one's own, which never outlives its test.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::run::Folder;

/// Compiling a component takes its time in a debug build.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server that answers.
pub(crate) struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    /// Waits until the server says where it listens.
    pub(crate) fn start(mut command: Command, folder: &Folder) -> Self {
        let said = folder.write("stderr", "");
        let child = command
            .stdout(Stdio::null())
            .stderr(File::create(&said).unwrap())
            .spawn()
            .unwrap();
        let mut served = Served {
            child,
            address: ([127, 0, 0, 1], 0).into(),
        };
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(&said).unwrap();
            if let Some(address) = address(&text) {
                served.address = address;
                return served;
            }
            let ended = served.child.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "{ended:?} {text}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// As a power cut would, to a process.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As somebody at a keyboard would, and waits for the end.
    pub(crate) fn interrupt(mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(sent.success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first address on loopback in the text, once its line is whole.
fn address(text: &str) -> Option<SocketAddr> {
    let whole = &text[..text.rfind('\n')? + 1];
    let at = whole.find("127.0.0.1:")?;
    let rest = &whole[at..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ':'))?;
    rest[..end].parse().ok()
}

/// The status of the answer, if a whole one came.
pub(crate) fn post(address: SocketAddr, path: &str, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let length = name
            .eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?;
        length as Option<usize>
    })?;
    (body.len() == length).then(|| head.split(' ').nth(1)?.parse().ok())?
}
