//! One instance of a component, for one call.

use wasmtime::Store;

use crate::bindings::exports::sod::policy::authorizer as guest;
use crate::bindings::{Policy, PolicyPre};
use crate::error::{DecideError, OpenError, chain};
use crate::limits::{Limiter, Limits, Place};
use crate::runtime::Runtime;

/// Where one instance will live. The store goes first when it is dropped, and
/// only then is the place in the pool free.
pub(crate) struct Sandbox<'a> {
    store: Store<Limiter>,
    limits: &'a Limits,
    output: usize,
    _place: Place<'a>,
}

impl<'a> Sandbox<'a> {
    /// Waits for a place, and puts the limits up.
    pub(crate) fn enter(runtime: &'a Runtime, output: usize) -> Self {
        let inner = &*runtime.inner;
        let place = inner.gate.enter();
        let mut store = Store::new(
            &inner.engine,
            Limiter {
                memory: inner.limits.memory,
            },
        );
        store.limiter(|limiter| limiter);
        // Without it an answer could name the same bytes of the component's
        // memory many times over and so become larger than that memory.
        store.set_hostcall_fuel(output);
        Sandbox {
            store,
            limits: &inner.limits,
            output,
            _place: place,
        }
    }

    pub(crate) fn decide(
        mut self,
        pre: &PolicyPre<Limiter>,
        request: guest::Request<'_>,
    ) -> Result<Result<guest::Verdict, guest::Fault>, DecideError> {
        self.refuel()?;
        let policy = pre
            .instantiate(&mut self.store)
            .map_err(|error| self.no_instance(&error))?;
        let answer = policy
            .sod_policy_authorizer()
            .call_decide(&mut self.store, request);
        answer.map_err(|error| self.stopped(&error))
    }

    /// Besides describing it, finds out whether it is a policy at all: the
    /// types of what it exports are compared with wit/ for the first time.
    pub(crate) fn describe(
        mut self,
        pre: &PolicyPre<Limiter>,
    ) -> Result<guest::Description, OpenError> {
        self.refuel().map_err(OpenError::Broken)?;
        let instance = pre.instance_pre().instantiate(&mut self.store);
        let instance = instance.map_err(|error| OpenError::Broken(self.no_instance(&error)))?;
        let policy =
            Policy::new(&mut self.store, &instance).map_err(|error| OpenError::NotAPolicy {
                message: chain(&error),
            })?;
        let answer = policy
            .sod_policy_authorizer()
            .call_describe(&mut self.store);
        answer.map_err(|error| OpenError::Broken(self.stopped(&error)))
    }

    fn refuel(&mut self) -> Result<(), DecideError> {
        self.store
            .set_fuel(self.limits.fuel)
            .map_err(|error| self.no_instance(&error))
    }

    fn no_instance(&self, error: &wasmtime::Error) -> DecideError {
        match self.stopped(error) {
            DecideError::InvalidAnswer { .. } => DecideError::Instance {
                message: chain(error),
            },
            stopped => stopped,
        }
    }

    fn stopped(&self, error: &wasmtime::Error) -> DecideError {
        DecideError::of_call(error, self.limits, self.output)
    }
}
