//! A pack as logic: its schema, the kinds of requests that it takes, and policies put together as a question asks.

use std::str::FromStr as _;

use cedar_policy_symcc::{CompiledPolicy, CompiledPolicySet, CompiledSchema, SymEnv};
use sod_core::Bundle;
use sod_core::cedar::{Effect, Policy, PolicyId, PolicySet, RequestEnv, Schema};

use crate::assumptions::{Options, assumptions};
use crate::error::ProveError;

/// What all questions about a pack have in common.
pub(crate) struct Theory {
    schema: CompiledSchema,
    /// One for each action with a type of principal and a type of resource.
    pub(crate) environments: Vec<RequestEnv>,
    chosen: Vec<Policy>,
    any: Vec<Policy>,
}

impl Theory {
    pub(crate) fn new(bundle: &Bundle) -> Result<Self, ProveError> {
        let (schema, _) = Schema::from_cedarschema_str(&bundle.schema)
            .map_err(|error| ProveError::Untranslatable(error.to_string()))?;
        let chosen = assumptions(bundle, Options::Chosen)?;
        Theory::of(&schema, chosen, assumptions(bundle, Options::Any)?)
    }

    /// `chosen` and `any` are what is known of every request, if the options are as chosen, or any.
    pub(crate) fn of(
        schema: &Schema,
        chosen: Vec<Policy>,
        any: Vec<Policy>,
    ) -> Result<Self, ProveError> {
        let mut environments: Vec<RequestEnv> = schema.request_envs().collect();
        environments.sort_by_key(|env| {
            let types = (env.principal().to_string(), env.resource().to_string());
            (env.action().to_string(), types)
        });
        Ok(Theory {
            schema: CompiledSchema::new(schema).map_err(|error| untranslatable(&error))?,
            environments,
            chosen,
            any,
        })
    }

    /// Policies together with what is known of every request.
    pub(crate) fn compile<'p>(
        &'p self,
        policies: impl IntoIterator<Item = &'p Policy>,
        options: Option<Options>,
        env: &RequestEnv,
    ) -> Result<CompiledPolicySet, ProveError> {
        let known = options.map_or(&[][..], |options| self.known(options));
        let policies = policies.into_iter().chain(known).cloned();
        let set = PolicySet::from_policies(policies)
            .map_err(|error| ProveError::Untranslatable(error.to_string()))?;
        let symbols = self.symbols(env)?;
        CompiledPolicySet::compile_with_custom_symenv(&set, env, self.schema.schema(), symbols)
            .map_err(|error| untranslatable(&error))
    }

    /// Forbids of what cannot be.
    pub(crate) fn known(&self, options: Options) -> &[Policy] {
        match options {
            Options::Chosen => &self.chosen,
            Options::Any => &self.any,
        }
    }

    pub(crate) fn compile_one(
        &self,
        policy: &Policy,
        env: &RequestEnv,
    ) -> Result<CompiledPolicy, ProveError> {
        let symbols = self.symbols(env)?;
        CompiledPolicy::compile_with_custom_symenv(policy, env, self.schema.schema(), symbols)
            .map_err(|error| untranslatable(&error))
    }

    pub(crate) fn schema(&self) -> &Schema {
        self.schema.schema()
    }

    fn symbols(&self, env: &RequestEnv) -> Result<SymEnv, ProveError> {
        self.schema
            .sym_env(env)
            .map_err(|error| untranslatable(&error))
    }
}

fn untranslatable(error: &dyn std::fmt::Display) -> ProveError {
    ProveError::Untranslatable(error.to_string())
}

/// A policy as Cedar reads it, with its id.
pub(crate) fn policy(id: &str, text: &str) -> Result<Policy, ProveError> {
    Policy::parse(Some(PolicyId::new(id)), text)
        .map_err(|errors| ProveError::Untranslatable(errors.to_string()))
}

/// The same scope and conditions, as a permit.
pub(crate) fn as_permit(policy: &Policy) -> Result<Policy, ProveError> {
    if policy.effect() == Effect::Permit {
        return Ok(policy.clone());
    }
    let refused = |error: &dyn std::fmt::Display| untranslatable(error);
    let mut json = policy.to_json().map_err(|error| refused(&error))?;
    if let Some(effect) = json.get_mut("effect") {
        *effect = "permit".into();
    }
    Policy::from_json(Some(policy.id().clone()), json).map_err(|error| refused(&error))
}

/// A permit of everything.
pub(crate) fn anything() -> Result<Policy, ProveError> {
    Policy::from_str("permit (principal, action, resource);")
        .map(|policy| policy.new_id(PolicyId::new("anything")))
        .map_err(|errors| ProveError::Untranslatable(errors.to_string()))
}
