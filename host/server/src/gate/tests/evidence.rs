//! Evidence in folders and on servers: what is missing, late, too large or elsewhere is a denial.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::world::*;

fn route(evidence: &str) -> String {
    format!("[[route]]\npack = \"allows\"\nevidence.{evidence}\n{ROUTE}")
}

const FOLDER: &str = r#"directory = { path = "evidence", file = "{deployment}.json" }"#;

#[cfg(unix)]
#[tokio::test]
async fn a_folder_gives_its_own_files_only() {
    let world = world(&format!("[gate]\nevidence_bytes = 1000\n{}", route(FOLDER))).await;
    let evidence = world.folder.path().join("evidence");
    let put = |name: &str, text: &str| std::fs::write(evidence.join(name), text).unwrap();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, evidence.join(name)).unwrap();
    std::fs::write(world.folder.path().join("outside.json"), EVIDENCE).unwrap();
    std::fs::create_dir(evidence.join("folder.json")).unwrap();
    put(
        "exact.json",
        &format!("{EVIDENCE}{}", " ".repeat(1000 - EVIDENCE.len())),
    );
    put(
        "large.json",
        &format!("{EVIDENCE}{}", " ".repeat(1001 - EVIDENCE.len())),
    );
    put("empty.json", "");
    put("text.json", "people: none");
    put("two.json", "{} {}");
    link("good.json", "inside.json");
    link("../outside.json", "outside.json");
    link("/dev/zero", "device.json");
    link("loop.json", "loop.json");
    let pipe = evidence.join("pipe.json");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );

    for name in ["good", "inside", "exact"] {
        let answered = world.nginx("POST", &format!("/api/deploys/{name}")).await;
        assert_eq!(answered.status, 200, "{name}: {answered:?}");
    }
    for (name, code) in [
        ("absent", "evidence-missing"),
        ("empty", "evidence-missing"),
        ("large", "evidence-refused"),
        ("text", "evidence-refused"),
        ("two", "evidence-refused"),
        ("outside", "evidence-unavailable"),
        ("device", "evidence-unavailable"),
        ("loop", "evidence-unavailable"),
        ("folder", "evidence-unavailable"),
        ("pipe", "evidence-unavailable"),
    ] {
        let target = format!("/api/deploys/{name}");
        let asked = world.nginx("POST", &target);
        let answered = tokio::time::timeout(Duration::from_secs(20), asked)
            .await
            .unwrap();
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (403, code),
            "{name}"
        );
        // Where it is, is not for who asks.
        assert!(!answered.body.contains("/tmp"), "{}", answered.body);
    }
    // The folder itself is gone.
    std::fs::rename(&evidence, world.folder.path().join("gone")).unwrap();
    let answered = world.nginx("POST", "/api/deploys/good").await;
    assert_eq!(answered.code(), "evidence-unavailable");
}

/// A server that answers each path in its own way.
async fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = vec![0; 4096];
                let length = stream.read(&mut head).await.unwrap();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let ok = |body: &str| {
                    format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    )
                };
                let answer = match head.split(' ').nth(1).unwrap() {
                    "/d/good" => ok(EVIDENCE),
                    "/d/text" => ok("nothing"),
                    "/d/empty" => ok(""),
                    "/d/large" => ok(&format!("{EVIDENCE}{}", " ".repeat(2000))),
                    "/d/endless" => {
                        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                        while stream.write_all(&[b' '; 512]).await.is_ok() {}
                        return;
                    }
                    "/d/cut" => "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{}".to_owned(),
                    "/d/moved" => {
                        "HTTP/1.1 302 Found\r\nlocation: /d/good\r\ncontent-length: 0\r\n\r\n"
                            .to_owned()
                    }
                    "/d/broken" => format!(
                        "HTTP/1.1 500 Oh\r\ncontent-length: {}\r\n\r\n{EVIDENCE}",
                        EVIDENCE.len()
                    ),
                    "/d/partial" => format!(
                        "HTTP/1.1 206 Oh\r\ncontent-length: {}\r\n\r\n{EVIDENCE}",
                        EVIDENCE.len()
                    ),
                    "/d/garbage" => "no HTTP\r\n\r\n".to_owned(),
                    "/d/silent" => {
                        tokio::time::sleep(Duration::from_secs(60)).await;
                        return;
                    }
                    "/d/a%20b" => ok(EVIDENCE),
                    _ => "HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n".to_owned(),
                };
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address.to_string()
}

#[tokio::test]
async fn a_server_gives_evidence_or_there_is_a_denial() {
    let address = server().await;
    let url = format!("url = \"http://{address}/d/{{deployment}}\"");
    let limits = "[gate]\nevidence_bytes = 1000\nevidence_timeout_ms = 500\n";
    let world = world(&format!("{limits}{}", route(&url))).await;
    for name in ["good", "a%20b"] {
        let answered = world.nginx("POST", &format!("/api/deploys/{name}")).await;
        assert_eq!(answered.status, 200, "{name}: {answered:?}");
    }
    for (name, code) in [
        ("absent", "evidence-missing"),
        ("empty", "evidence-missing"),
        ("text", "evidence-refused"),
        ("large", "evidence-refused"),
        ("endless", "evidence-refused"),
        ("cut", "evidence-unavailable"),
        ("moved", "evidence-unavailable"),
        ("broken", "evidence-unavailable"),
        ("partial", "evidence-unavailable"),
        ("garbage", "evidence-unavailable"),
        ("silent", "evidence-unavailable"),
    ] {
        let answered = world.nginx("POST", &format!("/api/deploys/{name}")).await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (403, code),
            "{name}"
        );
        assert!(!answered.body.contains(&address), "{}", answered.body);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_denial() {
    // Bound and closed again: nobody listens.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let world = world(&route(&format!(
        "url = \"http://{address}/{{deployment}}\""
    )))
    .await;
    let answered = world.nginx("POST", "/api/deploys/good").await;
    assert_eq!(answered.code(), "evidence-unavailable");
}
