//! Guests that open well and then do not answer as they should, and what they are made with.

use sod_host::{Digest, EntityUid, RawValue, Request, code};

use crate::guest::{DENY, Description, Guest, Reason, Verdict, policy_digest};

/// Components that open well and then do not answer as they should.
pub(crate) fn denied() -> Vec<(&'static str, Guest, &'static str)> {
    const FOREVER: &str = "(loop (br 0))";
    const GROW: &str = "(loop (drop (memory.grow (i32.const 1))) (br 0)) unreachable";
    let reason = |reason: Reason| says(|verdict| verdict.reasons = vec![reason]);
    let annotated = |annotations| says(|verdict| verdict.reasons[0].annotations = annotations);
    let fault =
        |kind| words(move |words| (words[0], words[1], words[2], words[3]) = (1, kind, 4, 0));
    let table = |body: &str| {
        guest(|guest| {
            guest.items += "(table $t 1 funcref) (type $f (func))";
            guest.decide = body.to_owned();
        })
    };

    vec![
        // It crashes.
        (
            "traps at once",
            instead_of_decide("unreachable"),
            code::TRAP,
        ),
        (
            "divides by zero",
            instead_of_decide("(i32.div_u (i32.const 1) (i32.const 0))"),
            code::TRAP,
        ),
        (
            "reads out of bounds",
            instead_of_decide("(i32.load (i32.const -4))"),
            code::TRAP,
        ),
        (
            "calls nothing",
            table("(call_indirect (type $f) (i32.const 0)) unreachable"),
            code::TRAP,
        ),
        (
            "traps halfway",
            guest(|g| g.decide = format!("(i32.store (i32.const 0) {}) unreachable", g.decide)),
            code::TRAP,
        ),
        (
            "traps in its allocator",
            guest(|g| g.realloc = "unreachable".to_owned()),
            code::TRAP,
        ),
        (
            "traps after it has allowed",
            guest(|g| g.after = "unreachable".to_owned()),
            code::TRAP,
        ),
        // It takes more than it may.
        (
            "loops for ever",
            instead_of_decide(&format!("{FOREVER} unreachable")),
            code::DEADLINE,
        ),
        (
            "allocates for ever",
            guest(|g| g.realloc = format!("{FOREVER} unreachable")),
            code::DEADLINE,
        ),
        (
            "loops after it has allowed",
            guest(|g| g.after = FOREVER.to_owned()),
            code::DEADLINE,
        ),
        (
            "fills memory for ever",
            instead_of_decide(
                "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 262144)) (br 0)) unreachable",
            ),
            code::DEADLINE,
        ),
        ("grows without bound", instead_of_decide(GROW), code::MEMORY),
        (
            "grows beyond all memory",
            instead_of_decide("(memory.grow (i32.const 65535))"),
            code::MEMORY,
        ),
        (
            "grows a table",
            table("(table.grow $t (ref.null func) (i32.const 100000))"),
            code::MEMORY,
        ),
        (
            "recurses without end",
            guest(|g| {
                g.items += "(func $down (param i64) (result i64)
                    (i64.add (call $down (i64.add (local.get 0) (i64.const 1))) (local.get 0)))";
                g.decide = "(drop (call $down (i64.const 0))) unreachable".to_owned();
            }),
            code::STACK,
        ),
        // It says more than it may.
        (
            "gives the same 64 KiB many times over",
            overlapping(),
            code::OUTPUT_TOO_LARGE,
        ),
        (
            "gives a string of all its memory",
            words(|w| (w[12], w[13]) = (0, 4 << 16)),
            code::OUTPUT_TOO_LARGE,
        ),
        (
            "gives many empty reasons",
            words(|w| (w[2], w[3]) = (1024, 7000)),
            code::OUTPUT_TOO_LARGE,
        ),
        // What it says is not of the right form.
        (
            "answer out of bounds",
            instead_of_decide("(i32.const -4)"),
            code::INVALID_ANSWER,
        ),
        (
            "answer across the end of memory",
            instead_of_decide("(i32.const 262140)"),
            code::INVALID_ANSWER,
        ),
        (
            "answer not aligned",
            instead_of_decide("(i32.const 1025)"),
            code::INVALID_ANSWER,
        ),
        (
            "string of 4 GiB",
            words(|w| w[13] = u32::MAX),
            code::INVALID_ANSWER,
        ),
        (
            "string at the end of memory",
            words(|w| w[12] = u32::MAX),
            code::INVALID_ANSWER,
        ),
        (
            "list of 4 billion",
            words(|w| w[3] = u32::MAX),
            code::INVALID_ANSWER,
        ),
        (
            "list out of bounds",
            words(|w| w[2] = u32::MAX - 3),
            code::INVALID_ANSWER,
        ),
        (
            "list not aligned",
            words(|w| w[2] += 1),
            code::INVALID_ANSWER,
        ),
        (
            "neither verdict nor fault",
            words(|w| w[0] = 2),
            code::INVALID_ANSWER,
        ),
        (
            "neither allow nor deny",
            words(|w| w[1] = 2),
            code::INVALID_ANSWER,
        ),
        ("a fault of no kind", fault(3), code::INVALID_ANSWER),
        ("invalid UTF-8", not_utf8(), code::INVALID_ANSWER),
        (
            "allocates out of bounds",
            guest(|g| g.realloc = "(i32.const -8)".to_owned()),
            code::INVALID_ANSWER,
        ),
        (
            "allocates unaligned",
            guest(|g| g.realloc = "(i32.const 65537)".to_owned()),
            code::INVALID_ANSWER,
        ),
        // It makes no sense.
        (
            "allows without a reason",
            says(|v| v.reasons.clear()),
            code::INVALID_ANSWER,
        ),
        (
            "denies without a reason",
            says(|v| (v.effect, v.reasons) = (DENY, Vec::new())),
            code::INVALID_ANSWER,
        ),
        (
            "allows by no policy",
            reason(Reason::new("permit", None)),
            code::INVALID_ANSWER,
        ),
        (
            "allows by an unknown policy",
            reason(Reason::new("permit", Some("a-permi"))),
            code::INVALID_ANSWER,
        ),
        (
            "allows by a forbid",
            reason(Reason::new("permit", Some("b-forbid"))),
            code::INVALID_ANSWER,
        ),
        (
            "allows by a permit and a forbid",
            says(|v| v.reasons.push(Reason::new("forbid", Some("b-forbid")))),
            code::INVALID_ANSWER,
        ),
        (
            "allows with a quorum not met",
            says(|v| v.missing = 1),
            code::INVALID_ANSWER,
        ),
        (
            "reason without a code",
            reason(Reason::new("", Some("a-permit"))),
            code::INVALID_ANSWER,
        ),
        (
            "reason with words as code",
            reason(Reason::new("All good!", Some("a-permit"))),
            code::INVALID_ANSWER,
        ),
        (
            "annotation twice",
            annotated(vec![("a", "1"), ("a", "2")]),
            code::INVALID_ANSWER,
        ),
        (
            "no policy digest",
            says(|v| v.policy_digest.clear()),
            code::INVALID_ANSWER,
        ),
        (
            "policy digest cut short",
            says(|v| v.policy_digest.truncate(70)),
            code::INVALID_ANSWER,
        ),
        (
            "policy digest of other policies",
            says(|v| v.policy_digest = Digest::of(b"other").to_string()),
            code::INVALID_ANSWER,
        ),
        (
            "no evidence digest",
            says(|v| v.evidence_digest = "sha256:".to_owned()),
            code::INVALID_ANSWER,
        ),
        (
            "evidence digest of an earlier request",
            says(|v| v.evidence_digest = policy_digest()),
            code::INVALID_ANSWER,
        ),
        // It says that it cannot.
        (
            "fault: invalid request",
            fault(0),
            code::FAULT_INVALID_REQUEST,
        ),
        ("fault: limit", fault(1), code::FAULT_LIMIT),
        ("fault: internal", fault(2), code::FAULT_INTERNAL),
    ]
}

/// Reasons that all have the same message: little memory, much text.
fn overlapping() -> Guest {
    Guest::build(&Description::default(), |memory| {
        let [code, policy, message] = [
            memory.string("permit"),
            memory.string("a-permit"),
            memory.bytes(&[b'x'; 1 << 12]),
        ];
        let reason = [&code[..], &[1], &policy, &message, &[4, 0]].concat();
        let mut words = allow().lower(memory);
        [words[2], words[3]] = memory.list(&vec![reason; 100]);
        words
    })
}

fn not_utf8() -> Guest {
    Guest::build(&Description::default(), |memory| {
        let mut words = allow().lower(memory);
        let mut digest = policy_digest().into_bytes();
        digest[8] = 0xff;
        [words[10], words[11]] = memory.bytes(&digest);
        words
    })
}

pub(crate) fn allow() -> Verdict {
    Verdict::allow(request().evidence_digest())
}

pub(crate) fn good() -> Guest {
    Guest::with_verdict(&allow())
}

/// A good guest, but for what `change` does to it.
pub(crate) fn guest(change: impl FnOnce(&mut Guest)) -> Guest {
    let mut guest = good();
    change(&mut guest);
    guest
}

/// A guest whose verdict allows, but for what `change` does to it.
pub(crate) fn says(change: impl FnOnce(&mut Verdict)) -> Guest {
    let mut verdict = allow();
    change(&mut verdict);
    Guest::with_verdict(&verdict)
}

/// A guest whose answer allows, but for what `change` does to its words: 0 is
/// which of `result`, 1 the effect, 2 and 3 pointer and length of the reasons,
/// 10 and 11 of the policy digest.
pub(crate) fn words(change: impl FnOnce(&mut Vec<u32>)) -> Guest {
    Guest::build(&Description::default(), |memory| {
        let mut words = allow().lower(memory);
        change(&mut words);
        words
    })
}

pub(crate) fn described(change: impl FnOnce(&mut Description)) -> Guest {
    let mut description = Description::default();
    change(&mut description);
    Guest::build(&description, |memory| allow().lower(memory))
}

pub(crate) fn instead_of_decide(body: &str) -> Guest {
    guest(|guest| guest.decide = body.to_owned())
}

/// What every guest of these tests is asked.
pub(crate) fn request() -> Request {
    Request::new(
        EntityUid::new("Person", "ana"),
        EntityUid::new("Action", "merge"),
        EntityUid::new("Change", "bank/payments#42"),
    )
    .with_now(1_769_860_800_000)
    .with_evidence(RawValue::from_string("{\"people\" : []}".to_owned()).unwrap())
}
