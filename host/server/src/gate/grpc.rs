//! Envoy's external authorization, version 3, over gRPC.

use envoy_types::ext_authz::v3::CheckResponseExt as _;
use envoy_types::ext_authz::v3::pb::{
    Authorization, AuthorizationServer, CheckRequest, CheckResponse,
};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::service::Service;

use super::Settings;

/// The gRPC services.
pub(crate) fn routes(service: &Service, _: &[Settings]) -> Routes {
    Routes::new(AuthorizationServer::new(ExtAuthz {
        service: service.clone(),
    }))
}

struct ExtAuthz {
    service: Service,
}

#[tonic::async_trait]
impl Authorization for ExtAuthz {
    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let _ = &self.service;
        Ok(Response::new(CheckResponse::with_status(
            Status::permission_denied("no route"),
        )))
    }
}
