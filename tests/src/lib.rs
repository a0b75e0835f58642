//! Shared parts of the proof and of the benchmarks.

pub mod large;
pub mod metered;
pub mod native;
pub mod packs;
pub mod random;
pub mod workload;

use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

/// The repository's root.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// The request as the core takes it.
pub fn core_request(request: &sod_host::Request) -> sod_core::Request {
    let uid = |uid: &sod_host::EntityUid| sod_core::EntityUid::new(&uid.type_name, &uid.id);
    let text = |json: &Option<Box<RawValue>>| json.as_ref().map(|json| json.get().to_owned());
    sod_core::Request {
        principal: uid(&request.principal),
        action: uid(&request.action),
        resource: uid(&request.resource),
        now: request.now,
        evidence: text(&request.evidence),
        entities: text(&request.entities),
        context: text(&request.context),
    }
}
