//! What a proxy's request means: who wants to do what to what, and where the evidence is.
//!
//! Pure: no I/O, no clock. The server and the proxy-wasm module read the same routes in the same way.
//!
//! The one type is [`Routes`], made of the operator's [`Route`]s, all of them checked at once. For each request,
//! [`Routes::ask`] tells its [`Meaning`]: a [`Question`] for a pack, or that the operator lets such requests pass. All
//! else is a [`Denial`]: a request that no route matches, and one that could be read in two ways.
//!
//! ```
//! use sod_route::{Certificate, HttpRequest, Identity, Meaning, Route, Routes};
//!
//! let route: Route = serde_json::from_str(r#"{
//!     "methods": ["POST"],
//!     "path": "/api/deploys/{deployment}",
//!     "principal": {"type": "Account", "id": "github:{jwt./login}"},
//!     "action": "deploy",
//!     "resource": {"type": "Deployment", "id": "{deployment}"},
//!     "evidence": {"directory": {"path": "evidence", "file": "{deployment}.json"}}
//! }"#)?;
//! let routes = Routes::new(vec![route]).map_err(|errors| errors[0].clone())?;
//!
//! let request = HttpRequest {
//!     method: "POST".to_owned(),
//!     target: "/api/deploys/payments-7".to_owned(),
//!     host: Some("deploy.bank.example".to_owned()),
//!     headers: Vec::new(),
//! };
//! let identity = Identity {
//!     claims: Ok(serde_json::json!({"login": "finn-berg"})),
//!     certificate: Certificate::default(),
//! };
//! let Meaning::Ask(question) = routes.ask(&request, &identity)? else { panic!() };
//! assert_eq!(question.principal.id, "github:finn-berg");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod compile;
mod denial;
mod error;
mod evidence;
mod header;
mod request;
mod route;
mod routes;
mod target;
mod template;

pub use denial::{Code, Denial};
pub use error::RouteError;
pub use evidence::{EvidenceFrom, Object, Pointer, whole};
pub use request::{Certificate, HttpRequest, Identity, NoClaims};
pub use route::{Decision, EntityTemplate, Evidence, Route};
pub use routes::{Entity, Headers, Meaning, Pass, Question, Routes};
