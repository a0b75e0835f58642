//! TLS, and who the client's certificate says it is.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sod_server::Clock;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::serving::{ALLOWED, Connection, Serving, get, post, serve_in};

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issue(authority: &Issuer, names: &[SanType]) -> (rcgen::Certificate, KeyPair) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.subject_alt_names.splice(0..0, names.iter().cloned());
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

fn write(folder: &TempDir, authority: &Issuer) -> CertificateDer<'static> {
    let (certificate, key) = issue(authority, &[]);
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
    certificate.der().clone()
}

fn client(authority: &Issuer, identity: Option<(rcgen::Certificate, KeyPair)>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            let chain = vec![certificate.der().clone()];
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    TlsConnector::from(Arc::new(config))
}

async fn connect(
    serving: &Serving,
    connector: &TlsConnector,
) -> std::io::Result<Connection<TlsStream<TcpStream>>> {
    let stream = TcpStream::connect(serving.http()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    Ok(Connection(connector.connect(name, stream).await?))
}

const TLS: &str = "[server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_renewed_under_open_connections() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    let first = write(&folder, &authority);
    // Plain text has a place of its own here, so that metrics can be seen.
    let settings = format!("monitoring = \"127.0.0.1:0\"\n{TLS}");
    let serving = serve_in(folder, &settings, Clock::system()).await;
    let connector = client(&authority, None);
    let mut open = connect(&serving, &connector).await.unwrap();
    assert!(open.ask(ALLOWED).await.is(200));
    let presented = |connection: &Connection<TlsStream<TcpStream>>| {
        let session = connection.0.get_ref().1;
        session.peer_certificates().unwrap()[0].clone().into_owned()
    };
    assert_eq!(presented(&open), first);
    // A key alone does not fit: what there was stays.
    std::fs::write(
        serving.file("key.pem"),
        KeyPair::generate().unwrap().serialize_pem(),
    )
    .unwrap();
    let mut again = connect(&serving, &connector).await.unwrap();
    assert!(again.ask(ALLOWED).await.is(200));
    let second = write(&serving.folder, &authority);
    loop {
        let mut next = connect(&serving, &connector).await.unwrap();
        assert!(next.ask(ALLOWED).await.is(200));
        if presented(&next) == second {
            break;
        }
        assert_eq!(presented(&next), first);
    }
    assert!(open.ask(ALLOWED).await.is(200));
    let plain = serving.connect().await.ask(ALLOWED).await;
    assert_ne!(plain.status, 200, "{plain:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_who_its_certificate_says() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, clients, strangers) = (authority(), self::authority(), self::authority());
    write(&folder, &authority);
    std::fs::write(folder.path().join("clients.pem"), clients.pem()).unwrap();
    let settings = format!("{TLS}client_ca = \"clients.pem\"\n");
    let serving = serve_in(folder, &settings, Clock::system()).await;
    for refused in [None, Some(issue(&strangers, &[]))] {
        let connector = client(&authority, refused);
        // With TLS 1.3 the client learns of it when it reads.
        if let Ok(mut connection) = connect(&serving, &connector).await {
            let sent =
                tokio::io::AsyncWriteExt::write_all(&mut connection.0, b"GET / HTTP/1.1\r\n\r\n")
                    .await;
            let answered = sent.is_ok() && connection.answer().await.status != 0;
            assert!(!answered, "somebody unknown was let in");
        }
    }
    assert_eq!(serving.decisions(), [""; 0]);
    let spiffe = "spiffe://bank.example/ns/ci/sa/deployer";
    let uri = SanType::URI(spiffe.try_into().unwrap());
    for (names, expected) in [(vec![uri], spiffe), (vec![], "localhost")] {
        let connector = client(&authority, Some(issue(&clients, &names)));
        let mut connection = connect(&serving, &connector).await.unwrap();
        assert!(connection.ask(ALLOWED).await.is(200));
        let last = serving.decisions().pop().unwrap();
        assert!(last.contains(&format!("\"{expected}\"")), "{last}");
    }
}

/// AuthZEN's own question of what [`ALLOWED`] asks.
const EVALUATION: &str = r#"{
    "subject": {"type": "Person", "id": "ana"},
    "action": {"name": "merge"},
    "resource": {"type": "Change", "id": "1"}
}"#;

#[tokio::test(flavor = "multi_thread")]
async fn authzen_is_asked_over_tls_and_by_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, clients) = (authority(), self::authority());
    write(&folder, &authority);
    std::fs::write(folder.path().join("clients.pem"), clients.pem()).unwrap();
    let settings = format!("{TLS}client_ca = \"clients.pem\"\n");
    let serving = serve_in(folder, &settings, Clock::system()).await;
    let evaluation = post("/access/v1/evaluation", EVALUATION);
    // Without a certificate of theirs, and in plain text, nobody is answered.
    if let Ok(mut connection) = connect(&serving, &client(&authority, None)).await {
        let _ = tokio::io::AsyncWriteExt::write_all(&mut connection.0, evaluation.as_bytes()).await;
        assert_eq!(connection.answer().await.status, 0);
    }
    let plain = serving.ask(&evaluation).await;
    assert!(!plain.body.contains("decision"), "{plain:?}");
    assert_eq!(serving.decisions(), [""; 0]);

    let spiffe = "spiffe://bank.example/ns/gateway/sa/pep";
    let identity = issue(&clients, &[SanType::URI(spiffe.try_into().unwrap())]);
    let connector = client(&authority, Some(identity));
    let mut connection = connect(&serving, &connector).await.unwrap();
    connection
        .send(get("/.well-known/authzen-configuration").as_bytes())
        .await;
    let metadata = connection.answer().await;
    // What the specification demands of addresses in it.
    assert!(metadata.is(200), "{metadata:?}");
    assert!(
        metadata
            .body
            .contains("\"access_evaluation_endpoint\":\"https://sod/access/v1/evaluation\""),
        "{metadata:?}"
    );
    connection.send(evaluation.as_bytes()).await;
    let answer = connection.answer().await;
    assert!(
        answer.is(200) && answer.body.contains("\"decision\":true"),
        "{answer:?}"
    );
    let decisions = serving.decisions();
    assert_eq!(decisions.len(), 1);
    for part in [
        format!("\"client\":\"{spiffe}\""),
        "\"api\":\"authzen\"".to_owned(),
    ] {
        assert!(decisions[0].contains(&part), "{part}: {decisions:?}");
    }
}
