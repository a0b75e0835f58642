//! The artifacts for hosts that cannot load components, in hosts as small as can be.

pub(crate) mod core;
mod core_door;
#[cfg(unix)]
mod envoy;
mod host;
pub(crate) mod proxy;
mod proxy_closed;
mod proxy_life;

use sod_pack::{CompileOptions, Pack, Target};
use wasmtime::{Config, Engine, OptLevel};

pub(crate) fn compile(pack: &Pack, target: Target) -> Vec<u8> {
    let options = CompileOptions {
        target,
        ..CompileOptions::default()
    };
    sod_pack::compile(pack, &options).unwrap()
}

/// Code that is compiled fast, or that runs fast.
pub(crate) fn engine(level: OptLevel) -> Engine {
    let mut config = Config::new();
    config.cranelift_opt_level(level);
    Engine::new(&config).unwrap()
}
