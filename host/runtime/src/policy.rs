//! One opened component, and its decisions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use wasmtime::component::InstancePre;

use crate::answer;
use crate::description::Description;
use crate::digest::Digest;
use crate::error::{DecideError, OpenError};
use crate::limits::{DESCRIPTION_BYTES, Limiter};
use crate::request::Request;
use crate::runtime::Runtime;
use crate::sandbox::{self, Prepared, Sandbox};
use crate::verdict::{Effect, Reason, Verdict};

/// One opened policy component. Clones are the same one; share it between threads.
///
/// Every decision has an instance of its own, made from the component's
/// initial memory and thrown away afterwards. Nothing passes from one to the next.
#[derive(Clone)]
pub struct Policy {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: Runtime,
    prepared: Prepared,
    digest: Digest,
    from_cache: bool,
    description: Description,
}

impl Policy {
    /// A policy is open once it has said what it is: that it can be
    /// instantiated within the limits is then known, too.
    pub(crate) fn new(
        runtime: Runtime,
        pre: InstancePre<Limiter>,
        digest: Digest,
        from_cache: bool,
    ) -> Result<Self, OpenError> {
        let mut prepared = Prepared::new(pre);
        sandbox::lay_out(&runtime, &prepared);
        let answer = Sandbox::enter(&runtime, DESCRIPTION_BYTES).describe(&mut prepared)?;
        let description = answer::description(answer)
            .map_err(|problem| OpenError::Broken(DecideError::InvalidAnswer { problem }))?;
        Ok(Policy {
            inner: Arc::new(Inner {
                runtime,
                prepared,
                digest,
                from_cache,
                description,
            }),
        })
    }

    /// Digest of the component's bytes. Record it with each verdict.
    pub fn digest(&self) -> &Digest {
        &self.inner.digest
    }

    /// What the component is, in its own words.
    pub fn describe(&self) -> &Description {
        &self.inner.description
    }

    /// Whether the component did not have to be compiled.
    pub fn is_from_cache(&self) -> bool {
        self.inner.from_cache
    }

    /// Decides.
    ///
    /// There is always a verdict: whatever goes wrong is a deny, and its reason
    /// has one of the host's own [codes](crate::code).
    pub fn decide(&self, request: &Request) -> Verdict {
        self.try_decide(request)
            .unwrap_or_else(|error| self.refuse(request, &error))
    }

    /// Decides each request as [`decide`](Self::decide) would by itself, in order.
    pub fn decide_many(&self, requests: &[Request]) -> Vec<Verdict> {
        requests
            .iter()
            .map(|request| self.decide(request))
            .collect()
    }

    /// Decides, for callers who treat "denied" and "could not decide" differently.
    ///
    /// # Errors
    /// Why there is no decision. It is no permission.
    pub fn try_decide(&self, request: &Request) -> Result<Verdict, DecideError> {
        let Inner {
            runtime,
            prepared,
            description,
            ..
        } = &*self.inner;
        let (size, limit) = (request.size(), runtime.inner.limits.input);
        if size > limit {
            return Err(DecideError::InputTooLarge { size, limit });
        }
        let answer = Sandbox::enter(runtime, runtime.inner.limits.output)
            .decide(prepared, answer::lend(request))?;
        let answer = answer.map_err(answer::fault)?;
        answer::verdict(answer, request, description)
            .map_err(|problem| DecideError::InvalidAnswer { problem })
    }

    /// The deny that an error becomes.
    fn refuse(&self, request: &Request, error: &DecideError) -> Verdict {
        let reason = Reason {
            code: error.reason_code().to_owned(),
            policy: None,
            message: error.to_string(),
            annotations: BTreeMap::new(),
        };
        Verdict {
            effect: Effect::Deny,
            reasons: vec![reason],
            missing: Vec::new(),
            approvals: Vec::new(),
            obligations: Vec::new(),
            warnings: Vec::new(),
            policy_digest: self.inner.description.policy_digest,
            evidence_digest: request.evidence_digest(),
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Description { name, version, .. } = self.describe();
        write!(f, "Policy({name} {version}, {})", self.inner.digest)
    }
}
