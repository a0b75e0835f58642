//! The peer and the reference: `cedar-policy` as its documentation uses it, from the same JSON.

#![expect(clippy::unwrap_used, reason = "what is compared with has to work")]

use std::str::FromStr;

use sod_core::cedar::{
    Authorizer, Context, Entities, EntityId, EntityTypeName, EntityUid, Policy, PolicyId,
    PolicySet, Request as CedarRequest, Response, Schema,
};
use sod_core::{Bundle, Request};

/// Policies and schema, parsed once.
pub struct Native {
    policies: PolicySet,
    schema: Schema,
}

impl Native {
    /// Parses a bundle that is known to be valid.
    pub fn new(bundle: &Bundle) -> Self {
        let mut policies = PolicySet::new();
        for source in &bundle.policies {
            let id = Some(PolicyId::new(&source.id));
            policies
                .add(Policy::parse(id, &source.text).unwrap())
                .unwrap();
        }
        let (schema, _) = Schema::from_cedarschema_str(&bundle.schema).unwrap();
        Native { policies, schema }
    }

    /// Decides a plain Cedar request with entities and context.
    pub fn decide(&self, request: &Request) -> Response {
        let entities = request.entities.as_deref().unwrap();
        let entities = Entities::from_json_str(entities, Some(&self.schema)).unwrap();
        let request = cedar_request(request, &self.schema);
        Authorizer::new().is_authorized(&request, &self.policies, &entities)
    }
}

/// The request as `cedar-policy` takes it.
pub fn cedar_request(request: &Request, schema: &Schema) -> CedarRequest {
    let uid = |u: &sod_core::EntityUid| {
        let ty = EntityTypeName::from_str(&u.type_name).unwrap();
        EntityUid::from_type_name_and_id(ty, EntityId::new(&u.id))
    };
    let action = uid(&request.action);
    let context = request.context.as_deref().unwrap();
    let context = Context::from_json_str(context, Some((schema, &action))).unwrap();
    let (principal, resource) = (uid(&request.principal), uid(&request.resource));
    CedarRequest::new(principal, action, resource, context, Some(schema)).unwrap()
}
