//! From a path to a policy that decides: a component is opened, a pack is compiled first.

use std::fs;
use std::path::{Path, PathBuf};

use sod_host::{CacheError, Digest, Policy, Runtime};
use sod_pack::{CompileOptions, Findings, Pack};

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::write;

/// A runtime that decides one request at a time.
pub(crate) fn runtime(output: &Output) -> Outcome<Runtime> {
    let runtime = Runtime::builder().concurrency(1).build()?;
    match runtime.cache() {
        Ok(_) | Err(CacheError::Disabled) => {}
        Err(error) => output.note(&format!(
            "compiled code is not kept, so each time takes seconds: {error}"
        )),
    }
    Ok(runtime)
}

/// Reads and validates a pack.
pub(crate) fn pack(path: &Path) -> Outcome<Pack> {
    let invalid = |findings: Findings| {
        let context = format!("`{}` is not a valid pack", path.display());
        Failure::from(findings).about(context)
    };
    Pack::open(path).map_err(invalid)
}

/// Opens a component, or compiles a pack.
pub(crate) fn policy(path: &Path, expected: Option<&Digest>, output: &Output) -> Outcome<Policy> {
    let is_pack = path.is_dir();
    if is_pack && expected.is_some() {
        let help = "`sod build` the pack, and decide with the component";
        return Err(Failure::usage(
            "a digest pins a component, and this is a pack",
            help,
        ));
    }
    let runtime = runtime(output)?;
    if is_pack {
        return compiled(&pack(path)?, &runtime);
    }
    Ok(match expected {
        Some(digest) => runtime.open_pinned(path, digest)?,
        None => runtime.open(path)?,
    })
}

/// The rules of a pack for requests that bring facts and no evidence.
pub(crate) fn on_facts(path: &Path, output: &Output) -> Outcome<Policy> {
    let pack = facts_pack(path)?;
    compiled(&pack, &runtime(output)?)
}

/// As [`on_facts`], not compiled.
pub(crate) fn facts_pack(path: &Path) -> Outcome<Pack> {
    if !path.is_dir() {
        let help = "name the folder of the pack: a component decides on evidence, and nothing gets around that";
        return Err(Failure::usage("`--facts` is for packs", help));
    }
    pack(path)?.on_facts().ok_or_else(|| {
        let help = "leave `--facts` out: all that it decides on is facts";
        Failure::usage("`--facts` for a pack of mode `cedar`", help)
    })
}

/// The component of a pack, from the cache if this engine has compiled the same policies before.
pub(crate) fn compiled(pack: &Pack, runtime: &Runtime) -> Outcome<Policy> {
    let kept = Kept::new(pack, runtime);
    if let Some(policy) = kept.as_ref().and_then(|kept| kept.open(runtime)) {
        return Ok(policy);
    }
    let component = sod_pack::compile(pack, &CompileOptions::default())?;
    if let Some(kept) = kept {
        kept.keep(&component);
    }
    Ok(runtime.load(&component)?)
}

/// `sha256:` and 64 hex digits.
const DIGEST_BYTES: usize = 71;

/// A component in the runtime's private cache directory, beside the code compiled from it.
struct Kept {
    path: PathBuf,
    policy_digest: String,
}

impl Kept {
    /// Policies, schema and quorums are in the pack's digest; the engine has one of its own.
    fn new(pack: &Pack, runtime: &Runtime) -> Option<Self> {
        let directory = runtime.cache().ok()?;
        let policy_digest = pack.bundle().digest();
        let engine = sod_pack::engine();
        let key =
            Digest::of(format!("{policy_digest} {} {}", engine.version, engine.sha256).as_bytes());
        let name = key.to_string().replace(':', "-");
        Some(Kept {
            path: directory.join(format!("pack-{name}.wasm")),
            policy_digest,
        })
    }

    /// The component, and its digest behind it.
    fn keep(&self, component: &[u8]) {
        let digest = Digest::of(component).to_string();
        // Without it the pack is compiled again next time, and that is all.
        let _ = write::atomically(&self.path, &[component, digest.as_bytes()].concat());
    }

    /// An entry that is damaged, or is not of these policies, is as good as absent.
    fn open(&self, runtime: &Runtime) -> Option<Policy> {
        let entry = fs::read(&self.path).ok()?;
        let (component, digest) = entry.split_last_chunk::<DIGEST_BYTES>()?;
        let digest = str::from_utf8(digest).ok()?.parse().ok()?;
        let policy = runtime.load_pinned(component, &digest).ok()?;
        let same = policy.describe().policy_digest.to_string() == self.policy_digest;
        same.then_some(policy)
    }
}
