//! Components made for one test, from WebAssembly text and prepared memory.
//!
//! A guest's answers are laid out beforehand as the canonical ABI wants them,
//! so that each byte of them can be wrong on purpose.

use std::fmt::Write as _;

use sod_host::Digest;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where prepared memory begins.
const BASE: u32 = 1024;
/// Where what the host lowers into the guest begins: the second page.
const HEAP: u32 = 65536;

/// Bytes in the guest's memory, and their addresses.
pub(crate) struct Memory(Vec<u8>);

impl Memory {
    /// Puts words at a multiple of four and says where.
    pub(crate) fn words(&mut self, words: &[u32]) -> u32 {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        let at = self.next();
        self.0
            .extend(words.iter().flat_map(|word| word.to_le_bytes()));
        at
    }

    /// Puts bytes and gives pointer and length.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> [u32; 2] {
        let at = self.next();
        self.0.extend(bytes);
        [at, bytes.len() as u32]
    }

    pub(crate) fn string(&mut self, text: &str) -> [u32; 2] {
        self.bytes(text.as_bytes())
    }

    /// Puts a list of records and gives pointer and length.
    pub(crate) fn list(&mut self, records: &[Vec<u32>]) -> [u32; 2] {
        [self.words(&records.concat()), records.len() as u32]
    }

    fn next(&self) -> u32 {
        BASE + self.0.len() as u32
    }
}

/// A reason to be laid out.
#[derive(Clone)]
pub(crate) struct Reason {
    pub(crate) code: &'static str,
    pub(crate) policy: Option<&'static str>,
    pub(crate) annotations: Vec<(&'static str, &'static str)>,
}

impl Reason {
    pub(crate) fn new(code: &'static str, policy: Option<&'static str>) -> Self {
        Reason {
            code,
            policy,
            annotations: Vec::new(),
        }
    }
}

/// A verdict to be laid out; by itself a good allow.
#[derive(Clone)]
pub(crate) struct Verdict {
    pub(crate) effect: u32,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) missing: u32,
    pub(crate) policy_digest: String,
    pub(crate) evidence_digest: String,
}

pub(crate) const ALLOW: u32 = 0;
pub(crate) const DENY: u32 = 1;

impl Verdict {
    pub(crate) fn allow(evidence: Digest) -> Self {
        Verdict {
            effect: ALLOW,
            reasons: vec![Reason::new("permit", Some("a-permit"))],
            missing: 0,
            policy_digest: policy_digest(),
            evidence_digest: evidence.to_string(),
        }
    }

    pub(crate) fn deny(evidence: Digest) -> Self {
        let reasons = vec![Reason::new("forbid", Some("b-forbid"))];
        Verdict {
            effect: DENY,
            reasons,
            ..Verdict::allow(evidence)
        }
    }

    /// `result<verdict, fault>`: 16 words, of which the first is the discriminant.
    pub(crate) fn lower(&self, memory: &mut Memory) -> Vec<u32> {
        let reasons: Vec<_> = self
            .reasons
            .iter()
            .map(|reason| lower_reason(reason, memory))
            .collect();
        let need = [
            memory.string("production"),
            memory.string("Deployment"),
            memory.string("d1"),
            memory.string("security"),
        ];
        let need = [need.concat(), vec![1, 4, 0, 0]].concat();
        [
            [0, self.effect],
            memory.list(&reasons),
            memory.list(&vec![need; self.missing as usize]),
            [4, 0],
            [4, 0],
            [4, 0],
            memory.string(&self.policy_digest),
            memory.string(&self.evidence_digest),
        ]
        .concat()
    }
}

fn lower_reason(reason: &Reason, memory: &mut Memory) -> Vec<u32> {
    let annotations: Vec<_> = reason
        .annotations
        .iter()
        .map(|(name, value)| [memory.string(name), memory.string(value)].concat())
        .collect();
    let policy = reason.policy.map_or([0, 0, 0], |id| {
        let [at, len] = memory.string(id);
        [1, at, len]
    });
    [
        &memory.string(reason.code)[..],
        &policy,
        &memory.string("because"),
        &memory.list(&annotations),
    ]
    .concat()
}

pub(crate) fn policy_digest() -> String {
    Digest::of(b"the policies").to_string()
}

/// A description to be laid out; by itself a good one.
#[derive(Clone)]
pub(crate) struct Description {
    pub(crate) policies: Vec<(&'static str, u32)>,
    pub(crate) policy_digest: String,
}

impl Default for Description {
    fn default() -> Self {
        Description {
            policies: vec![("a-permit", ALLOW), ("b-forbid", DENY)],
            policy_digest: policy_digest(),
        }
    }
}

impl Description {
    fn lower(&self, memory: &mut Memory) -> Vec<u32> {
        let digest = policy_digest();
        let mut policies = Vec::new();
        for (id, effect) in &self.policies {
            let annotations = [4, 0];
            let strings = [memory.string(id), memory.string("pack")].concat();
            policies.push(
                [
                    &strings[..],
                    &[*effect],
                    &annotations,
                    &memory.string(&digest),
                ]
                .concat(),
            );
        }
        [
            &memory.string("pack")[..],
            &memory.string("1.0.0"),
            &memory.string("test"),
            &[0],
            &memory.string(&self.policy_digest),
            &memory.list(&policies),
            &memory.list(&[]),
            &memory.list(&[]),
        ]
        .concat()
    }
}

/// What a guest does, in WebAssembly text. By itself it allows.
pub(crate) struct Guest {
    pub(crate) memory: Memory,
    /// `(memory ...)` and further items of the module.
    pub(crate) items: String,
    /// Leaves the address of `result<verdict, fault>`; `$request` is that of the request.
    pub(crate) decide: String,
    /// Leaves the address of the description.
    pub(crate) describe: String,
    /// Leaves the address of `$size` bytes at `$align`.
    pub(crate) realloc: String,
    /// Runs after the host has read the verdict.
    pub(crate) after: String,
}

impl Guest {
    /// A guest that gives this verdict.
    pub(crate) fn with_verdict(verdict: &Verdict) -> Self {
        Guest::build(&Description::default(), |memory| verdict.lower(memory))
    }

    /// A guest with this description and these words as its answer.
    pub(crate) fn build(
        description: &Description,
        answer: impl FnOnce(&mut Memory) -> Vec<u32>,
    ) -> Self {
        let mut memory = Memory(Vec::new());
        let words = answer(&mut memory);
        let decide = format!("(i32.const {})", memory.words(&words));
        let words = description.lower(&mut memory);
        let describe = format!("(i32.const {})", memory.words(&words));
        Guest {
            memory,
            items: "(memory (export \"memory\") 4)".to_owned(),
            decide,
            describe,
            realloc: "(global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                      (global.get $heap)
                      (global.set $heap (i32.add (global.get $heap) (local.get $size)))"
                .to_owned(),
            after: String::new(),
        }
    }

    pub(crate) fn module(&self) -> Vec<u8> {
        let mut data = String::new();
        for byte in &self.memory.0 {
            write!(data, "\\{byte:02x}").unwrap();
        }
        let name = "sod:policy/authorizer@0.1.0";
        let Guest {
            items,
            decide,
            describe,
            realloc,
            after,
            ..
        } = self;
        let text = format!(
            r#"(module
                {items}
                (global $heap (mut i32) (i32.const {HEAP}))
                (data (i32.const {BASE}) "{data}")
                (func (export "{name}#decide") (param $request i32) (result i32) {decide})
                (func (export "{name}#decide-batch") (param i32 i32) (result i32) unreachable)
                (func (export "{name}#describe") (result i32) {describe})
                (func (export "cabi_post_{name}#decide") (param i32) {after})
                (func (export "cabi_realloc")
                    (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
                    {realloc}))"#
        );
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn component(&self) -> Vec<u8> {
        componentize(self.module(), &wit())
    }
}

pub(crate) fn wit() -> String {
    include_str!("../../../../wit/policy.wit").to_owned()
}

/// A component of the world `policy` in this WIT.
pub(crate) fn componentize(mut module: Vec<u8>, wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("policy.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("policy")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .module(&module)
        .unwrap()
        .encode()
        .unwrap()
}
