//! Decisions for those who ask over a network: HTTP (OpenID AuthZEN, the
//! native API, forward-auth of proxies) and gRPC (Envoy's ext_authz).
//!
//! The one type is [`Server`]: packs, a decision log and listeners, as a
//! [`Config`] has them. Whichever door a request comes through, it ends in
//! [`Service::decide`]: one place where a decision is made and its record is
//! written before the answer leaves. What cannot be decided or recorded is
//! refused ([`Refusal`]), and a refusal is never an allow.
//!
//! This crate knows no policy language. A [`Source`] hands it components;
//! whoever wants to serve a pack folder compiles it in the source.

#![deny(unsafe_code)]

pub mod audit;
mod clock;
mod config;
mod gate;
mod http;
pub mod log;
mod metrics;
mod net;
mod packs;
mod record;
mod service;
pub mod telemetry;

pub use clock::Clock;
pub use config::{Config, ConfigError};
pub use metrics::Metrics;
pub use net::{Ended, Reread, ServeError, Server};
pub use packs::{OpenPack, PackError, Packs, Source, Sources};
pub use record::{Answer, Api, Decision, PackId, Question, Record, Search, Sought};
pub use service::{Asked, Capacity, Decided, Found, Origin, Refusal, SearchAsked, Service};
