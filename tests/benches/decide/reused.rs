//! One instance for many decisions, which no host should do: what fresh instances cost on top.

use sod_core::Request;
use sod_tests::metered::bindings::Policy;
use sod_tests::metered::bindings::exports::sod::policy::authorizer::Verdict;
use sod_tests::metered::lower;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

/// An instance never gives memory back, so it is renewed now and then.
const DECISIONS: usize = 500;

pub(crate) struct Reused {
    engine: Engine,
    component: Component,
    instance: Option<(Store<()>, Policy)>,
    left: usize,
}

impl Reused {
    pub(crate) fn new(component: &[u8]) -> Self {
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config).unwrap();
        Reused {
            component: Component::new(&engine, component).unwrap(),
            engine,
            instance: None,
            left: 0,
        }
    }

    pub(crate) fn decide(&mut self, request: &Request) -> Verdict {
        if self.left == 0 {
            let mut store = Store::new(&self.engine, ());
            store.set_fuel(u64::MAX).unwrap();
            let linker = Linker::new(&self.engine);
            let policy = Policy::instantiate(&mut store, &self.component, &linker).unwrap();
            self.instance = Some((store, policy));
            self.left = DECISIONS;
        }
        self.left -= 1;
        let (store, policy) = self.instance.as_mut().unwrap();
        let authorizer = policy.sod_policy_authorizer();
        authorizer
            .call_decide(store, &lower(request))
            .unwrap()
            .unwrap()
    }
}
