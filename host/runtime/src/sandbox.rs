//! One instance of a component, for one call.

use std::time::Duration;
use std::{io, thread};

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, InstancePre, TypedFunc};

use crate::bindings::Policy;
use crate::bindings::exports::sod::policy::authorizer as guest;
use crate::error::{DecideError, OpenError, chain};
use crate::limits::{Limiter, Limits, Place};
use crate::runtime::Runtime;

/// As wit/ has it.
const AUTHORIZER: &str = "sod:policy/authorizer@0.1.0";

/// How often the memory of a component is laid out anew if Linux is busy with it, and how long after.
const TRIES: usize = 50;
const PAUSE: Duration = Duration::from_millis(20);

type Decide<'r> = TypedFunc<(guest::Request<'r>,), (Result<guest::Verdict, guest::Fault>,)>;

/// A component, ready for instances of it.
pub(crate) struct Prepared {
    pre: InstancePre<Limiter>,
    /// Its `decide`, once it is known to be of the type that it has in wit/.
    decide: Option<ComponentExportIndex>,
}

impl Prepared {
    pub(crate) fn new(pre: InstancePre<Limiter>) -> Self {
        Prepared { pre, decide: None }
    }
}

/// Where one instance will live. The store goes first when it is dropped, and
/// only then is the place in the pool free.
pub(crate) struct Sandbox<'a> {
    store: Store<Limiter>,
    limits: &'a Limits,
    output: usize,
    _place: Place<'a>,
}

/// Makes the first instance, and with it the memory that all begin with.
///
/// wasmtime seals that memory (`memfd_create(2)`), and Linux refuses to as long as it has a hold on one of its pages for
/// reasons of its own, such as moving it: `EBUSY`, under load, and seldom. It lets go, so this tries again. Whatever
/// else stands against an instance, who asks for one finds out.
pub(crate) fn lay_out(runtime: &Runtime, prepared: &Prepared) {
    for _ in 0..TRIES {
        let mut sandbox = Sandbox::enter(runtime, 0);
        let fueled = sandbox.store.set_fuel(sandbox.limits.fuel);
        let instance = fueled.and_then(|()| prepared.pre.instantiate(&mut sandbox.store));
        if !instance.is_err_and(|error| busy(&error)) {
            return;
        }
        drop(sandbox);
        thread::sleep(PAUSE);
    }
}

fn busy(error: &wasmtime::Error) -> bool {
    let busy = |error: &io::Error| error.kind() == io::ErrorKind::ResourceBusy;
    error
        .chain()
        .any(|cause| cause.downcast_ref().is_some_and(busy))
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
        prepared: &Prepared,
        request: guest::Request<'_>,
    ) -> Result<Result<guest::Verdict, guest::Fault>, DecideError> {
        self.refuel()?;
        let instance = prepared.pre.instantiate(&mut self.store);
        let instance = instance.map_err(|error| self.no_instance(&error))?;
        let decide = prepared.decide.as_ref();
        let decide = decide
            .and_then(|index| instance.get_func(&mut self.store, index))
            .ok_or_else(|| DecideError::Instance {
                message: "it has not been described".to_owned(),
            })?;
        // SAFETY: `describe` has compared the type of this very function of
        // this very component with wit/ before it set the index. To compare
        // all names of all records again would take as long as a small policy.
        #[expect(
            unsafe_code,
            reason = "types are compared once a component, not once a decision"
        )]
        let decide = unsafe { Decide::new_unchecked(decide) };
        let answer = decide.call(&mut self.store, (request,));
        let (answer,) = answer.map_err(|error| self.stopped(&error))?;
        Ok(answer)
    }

    /// Besides describing it, finds out whether it is a policy at all: the
    /// types of what it exports are compared with wit/, once for all decisions.
    pub(crate) fn describe(
        mut self,
        prepared: &mut Prepared,
    ) -> Result<guest::Description, OpenError> {
        self.refuel().map_err(OpenError::Broken)?;
        let instance = prepared.pre.instantiate(&mut self.store);
        let instance = instance.map_err(|error| OpenError::Broken(self.no_instance(&error)))?;
        let not_a_policy = |error: &wasmtime::Error| OpenError::NotAPolicy {
            message: chain(error),
        };
        let policy = Policy::new(&mut self.store, &instance).map_err(|e| not_a_policy(&e))?;
        let component = prepared.pre.component();
        prepared.decide = component
            .get_export_index(None, AUTHORIZER)
            .and_then(|authorizer| component.get_export_index(Some(&authorizer), "decide"));
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

#[cfg(test)]
mod tests {
    //! What is tried again.

    use std::fmt;

    use super::*;

    /// As the crate that wasmtime seals with has it.
    #[derive(Debug)]
    struct NotSealed(io::Error);

    impl fmt::Display for NotSealed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("cannot add seals")
        }
    }

    impl std::error::Error for NotSealed {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn only_what_is_busy_is_tried_again() {
        // EBUSY and ENOMEM.
        for (code, again) in [(16, true), (12, false)] {
            let error = NotSealed(io::Error::from_raw_os_error(code));
            let error = wasmtime::Error::new(error).context("no image of the memory");
            assert_eq!(busy(&error), again, "{error:#}");
        }
        assert!(!busy(&wasmtime::Error::msg("Device or resource busy")));
    }
}
