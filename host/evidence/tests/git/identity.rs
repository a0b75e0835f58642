//! Whom a commit names.

use sod_evidence::evidence::Commit;

use crate::sandbox::{Draft, Sandbox};

fn only_commit(s: &Sandbox, draft: &Draft<'_>) -> Commit {
    let base = s.commit("ana", &[]);
    let head = s.draft(&Draft {
        parents: &[&base],
        ..draft.clone()
    });
    s.collect(&base, &head).commits.items.remove(0)
}

#[test]
fn accounts_of_author_lines() {
    let s = Sandbox::new();
    for (line, account) in [
        (
            &b"Eve <eve@bank.example> 1 +0000"[..],
            "email:eve@bank.example",
        ),
        // Only ASCII case is folded; a look-alike stays another address.
        (b"Eve <EVE@Bank.Example> 1 +0000", "email:eve@bank.example"),
        (
            "Eve <\u{415}VE@bank.example> 1 +0000".as_bytes(),
            "email:\u{415}ve@bank.example",
        ),
        (
            "Eve <eve@ban\u{212a}.example> 1 +0000".as_bytes(),
            "email:eve@ban\u{212a}.example",
        ),
        // Nothing is trimmed: an address with a space is not the one without.
        (
            b"Eve < eve@bank.example > 1 +0000",
            "email: eve@bank.example ",
        ),
        // Two addresses: git says the first, a forge may say the last, a directory has neither.
        (
            b"Eve <a@bank.example> <b@bank.example> 1 +0000",
            "email:a@bank.example> <b@bank.example",
        ),
        (
            b"<a@bank.example> Eve <b@bank.example> 1 +0000",
            "email:a@bank.example> eve <b@bank.example",
        ),
        (
            b"Eve <eve@bank.example>> 1 +0000",
            "email:eve@bank.example>",
        ),
        (
            b"Eve <<eve@bank.example> 1 +0000",
            "email:<eve@bank.example",
        ),
        // None at all.
        (b"Eve <> 1 +0000", "email:"),
        (b"Eve eve@bank.example 1 +0000", "email:"),
        (b"Eve >eve@bank.example< 1 +0000", "email:"),
        (b"", "email:"),
        // Bytes that are no UTF-8 are kept apart from text that looks like them.
        (
            b"Ev\xe9 <ev\xe9@bank.example> 1 +0000",
            r"email:ev\xe9@bank.example",
        ),
        (
            br"Eve <ev\xe9@bank.example> 1 +0000",
            r"email:ev\\xe9@bank.example",
        ),
        (
            b"Ev\xe9 <eve@bank.example> 1 +0000",
            "email:eve@bank.example",
        ),
    ] {
        let commit = only_commit(
            &s,
            &Draft {
                author: line,
                ..Draft::default()
            },
        );
        assert_eq!(commit.author, account);
        assert_eq!(commit.committer, "email:ana@bank.example");
        let commit = only_commit(
            &s,
            &Draft {
                committer: line,
                ..Draft::default()
            },
        );
        assert_eq!(commit.committer, account);
        assert_eq!(commit.author, "email:ana@bank.example");
    }
}

#[test]
fn co_authors_of_messages() {
    let s = Sandbox::new();
    let eve = &["email:eve@bank.example"][..];
    let both = &["email:eve@bank.example", "email:bob@bank.example"][..];
    let cases: &[(&[u8], &[&str])] = &[
        (b"Subject\n\nCo-authored-by: Eve <eve@bank.example>\n", eve),
        // Git takes trailers from the last paragraph only.
        (b"Subject\n\nCo-authored-by: Eve <eve@bank.example>\n\nMore text.\n", eve),
        (b"Subject\n\nCo-authored-by: Eve <eve@bank.example>\n---\nnot a trailer\n", eve),
        (b"Co-authored-by: Eve <eve@bank.example>", eve),
        (b"Subject\nCo-authored-by: Eve <eve@bank.example>\nbody\n", eve),
        // Case, space, indentation, quotation, line ends.
        (b"S\n\nCO-AUTHORED-BY: Eve <EVE@bank.example>\n", eve),
        (b"S\n\nco-authored-by : Eve <eve@bank.example>\n", eve),
        (b"S\n\nco-authored-by:<eve@bank.example>\n", eve),
        (b"S\n\n    Co-authored-by: Eve <eve@bank.example>\n", eve),
        (b"S\n\n> * Co-authored-by: Eve <eve@bank.example>\n", eve),
        (b"S\r\n\r\nCo-authored-by: Eve <eve@bank.example>\r\n", eve),
        (b"S\r\rCo-authored-by: Eve <eve@bank.example>\r", eve),
        (b"S\n\0\nCo-authored-by: Eve <eve@bank.example>\n", eve),
        // Folded lines.
        (b"S\n\nCo-authored-by: Eve\n  <eve@bank.example>\n", eve),
        (b"S\r\n\r\nCo-authored-by: Eve\r\n\t<eve@bank.example>\r\n", eve),
        (b"S\n\nCo-authored-by:\n Eve\n <eve@bank.example>\n", eve),
        // More than one, each once.
        (b"S\n\nCo-authored-by: <eve@bank.example>\nCo-authored-by: <bob@bank.example>\nCo-authored-by: <EVE@bank.example>\n", both),
        (b"S\n\nCo-authored-by: Eve <eve@bank.example>, Bob <bob@bank.example>\n", both),
        // Somebody is named, but who?
        (b"S\n\nCo-authored-by: eve@bank.example\n", eve),
        (b"S\n\nCo-authored-by: Eve\n", &["email:eve"]),
        (b"S\n\nCo-authored-by:\n", &["email:"]),
        (b"S\n\nCo-authored-by: Eve <>\n", &["email:"]),
        (b"S\n\nCo-authored-by: Eve <eve@bank.example\n", eve),
        (b"S\n\nCo-authored-by: Eve < eve@bank.example>\n", &["email: eve@bank.example"]),
        (b"S\n\nCo-authored-by: Ev\xe9 <ev\xe9@bank.example>\n", &[r"email:ev\xe9@bank.example"]),
        // Nobody is named.
        (b"Support Co-authored-by: lines\n", &[]),
        (b"S\n\nCo-authored-by Eve <eve@bank.example>\n", &[]),
        (b"S\n\nSigned-off-by: Eve <eve@bank.example>\n", &[]),
        (b"S\n\nX-Co-authored-by: Eve <eve@bank.example>\n", &[]),
        (b"", &[]),
    ];
    for (message, expected) in cases {
        let commit = only_commit(
            &s,
            &Draft {
                message,
                ..Draft::default()
            },
        );
        let message = String::from_utf8_lossy(message);
        assert_eq!(commit.co_authors, *expected, "{message:?}");
    }
}

/// A header is not the message, and its continuation lines are not headers.
#[test]
fn a_trailer_in_a_header_names_nobody() {
    let s = Sandbox::new();
    let headers = b"mergetag object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n type commit\n tagger Eve <eve@bank.example> 1 +0000\n \n Co-authored-by: Eve <eve@bank.example>\n author Eve <eve@bank.example> 1 +0000\nencoding ISO-8859-1\n";
    let commit = only_commit(
        &s,
        &Draft {
            headers,
            ..Draft::default()
        },
    );
    assert!(commit.co_authors.is_empty());
    assert_eq!(commit.author, "email:ana@bank.example");
}

#[test]
fn signatures_are_seen_and_never_called_verified() {
    let s = Sandbox::new();
    for (headers, format) in [
        (&b""[..], None),
        (
            b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQEz\n -----END PGP SIGNATURE-----\n",
            Some("openpgp"),
        ),
        (
            b"gpgsig -----BEGIN SSH SIGNATURE-----\n U1NI\n -----END SSH SIGNATURE-----\n",
            Some("ssh"),
        ),
        (
            b"gpgsig -----BEGIN SIGNED MESSAGE-----\n MIID\n -----END SIGNED MESSAGE-----\n",
            Some("x509"),
        ),
        (
            b"gpgsig-sha256 -----BEGIN PGP SIGNATURE-----\n iQ\n -----END PGP SIGNATURE-----\n",
            Some("openpgp"),
        ),
        (
            b"encoding UTF-8\ngpgsig -----BEGIN SSH SIGNATURE-----\r\n U1NI\n",
            Some("ssh"),
        ),
        (b"gpgsig trust me\n", Some("unknown")),
        (b"gpgsig\n", Some("unknown")),
        // In another header's continuation, and in the message, it is just text.
        (b"mergetag x\n gpgsig -----BEGIN PGP SIGNATURE-----\n", None),
    ] {
        let message = b"m\n\ngpgsig -----BEGIN PGP SIGNATURE-----\n";
        let commit = only_commit(
            &s,
            &Draft {
                headers,
                message,
                ..Draft::default()
            },
        );
        let seen = commit
            .signature
            .as_ref()
            .map(|signature| signature.format.as_str());
        assert_eq!(seen, format, "{}", String::from_utf8_lossy(headers));
        assert!(commit.signature.is_none_or(|signature| !signature.verified));
    }
}
