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
mod log;
mod net;
mod packs;
mod record;
mod service;

pub use clock::Clock;
pub use config::{Config, ConfigError};
pub use net::{ServeError, Server};
pub use packs::{OpenPack, PackError, Packs, Source};
pub use record::{Answer, Api, Decision, PackId, Question, Record, Search, Sought};
pub use service::{Asked, Decided, Found, Origin, Refusal, SearchAsked, Service};
