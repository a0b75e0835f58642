//! A component in an instance of its own, with what a decision used: the sandbox without its host.

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, ResourceLimiter, Store};

use bindings::Policy;
use bindings::exports::sod::policy::authorizer::{self as wit, Verdict};

/// The contract, from the side of the host.
#[expect(missing_docs, reason = "wit/policy.wit documents it")]
pub mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "policy" });
}

/// A compiled pack, compiled once more for this machine.
pub struct Metered {
    engine: Engine,
    component: Component,
}

/// A verdict, and what it took.
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// Instructions, about.
    pub fuel: u64,
    /// Bytes of linear memory at the end.
    pub memory: usize,
}

/// Remembers how large the memory became.
#[derive(Default)]
struct Largest(usize);

impl ResourceLimiter for Largest {
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.0 = self.0.max(desired);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

impl Metered {
    /// Compiles a component.
    ///
    /// # Errors
    /// It is none.
    pub fn new(component: &[u8]) -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config)?;
        Ok(Metered {
            component: Component::new(&engine, component)?,
            engine,
        })
    }

    /// Decides in a fresh instance, without limits.
    ///
    /// # Errors
    /// A trap, or a fault.
    pub fn decide(&self, request: &sod_core::Request) -> wasmtime::Result<Decision> {
        let mut store = Store::new(&self.engine, Largest::default());
        store.limiter(|largest| largest);
        store.set_fuel(u64::MAX)?;
        let policy = Policy::instantiate(&mut store, &self.component, &Linker::new(&self.engine))?;
        let authorizer = policy.sod_policy_authorizer();
        let answer = authorizer.call_decide(&mut store, &lower(request))?;
        let verdict = answer.map_err(|fault| wasmtime::Error::msg(fault.message))?;
        Ok(Decision {
            verdict,
            fuel: u64::MAX - store.get_fuel()?,
            memory: store.data().0,
        })
    }
}

/// The request as the contract has it.
pub fn lower(request: &sod_core::Request) -> wit::Request {
    let uid = |uid: &sod_core::EntityUid| wit::EntityUid {
        type_: uid.type_name.clone(),
        id: uid.id.clone(),
    };
    wit::Request {
        principal: uid(&request.principal),
        action: uid(&request.action),
        resource: uid(&request.resource),
        now: request.now,
        evidence: request.evidence.clone(),
        entities: request.entities.clone(),
        context: request.context.clone(),
    }
}
