//! [`sod_core`] behind the `sod:policy` world: the only use of `wit-bindgen`.
//!
//! Two doors. The component's exports (`decide`, `decide-batch`, `describe`)
//! are the contract in `wit/`. The core module's `sod_*` functions are for the
//! pack compiler, which calls them once, takes a snapshot, and strips them: a
//! finished component has no way to load anything.

#[cfg(target_arch = "wasm32")]
mod allocator;
mod convert;
mod load;

mod bindings {
    wit_bindgen::generate!({ world: "policy", path: "../../wit" });
    export!(Component with_types_in self);
    use super::Component;
}

use bindings::exports::sod::policy::authorizer as wit;

/// The component.
struct Component;

impl wit::Guest for Component {
    fn decide(request: wit::Request) -> Result<wit::Verdict, wit::Fault> {
        let program = load::program().ok_or_else(not_loaded)?;
        let verdict = program.decide(&request.into());
        verdict.map(Into::into).map_err(Into::into)
    }

    fn decide_batch(requests: Vec<wit::Request>) -> Vec<Result<wit::Verdict, wit::Fault>> {
        requests.into_iter().map(Self::decide).collect()
    }

    fn describe() -> wit::Description {
        match load::program() {
            Some(program) => program.describe().into(),
            None => convert::nothing_loaded(),
        }
    }
}

fn not_loaded() -> wit::Fault {
    wit::Fault {
        kind: wit::FaultKind::Internal,
        message: "this engine holds no pack: compile one with `sod build`".to_owned(),
    }
}
