//! [`sod_core`] behind the `sod:policy` world: the only use of `wit-bindgen`.
//!
//! Two doors, of which the pack compiler leaves one. The component's exports
//! (`decide`, `decide-batch`, `describe`) are the contract in `wit/`. Those of
//! `module` are for hosts that cannot load components.

mod convert;
mod module;

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
        let program = sod_engine::program().ok_or_else(not_loaded)?;
        let verdict = program.decide(&request.into())?;
        Ok(verdict.into())
    }

    fn decide_batch(requests: Vec<wit::Request>) -> Vec<Result<wit::Verdict, wit::Fault>> {
        requests.into_iter().map(Self::decide).collect()
    }

    fn describe() -> wit::Description {
        match sod_engine::program() {
            Some(program) => program.describe().into(),
            None => convert::nothing_loaded(),
        }
    }
}

fn not_loaded() -> sod_core::Fault {
    sod_core::Fault {
        kind: sod_core::FaultKind::Internal,
        message: "this engine holds no pack: compile one with `sod build`".to_owned(),
    }
}
