//! What a pack can be compiled to.

use serde::{Deserialize, Serialize};

use super::metadata::EngineInfo;

/// The one thing that a component exports.
pub const INTERFACE: &str = "sod:policy/authorizer@0.1.0";
/// The version of a core module's interface, as the name of an exported global: docs/modules.md.
const CORE_INTERFACE: &str = "sod_abi_0_1_0";
/// The version of the interface that proxies know, as the name of an exported function.
const PROXY_INTERFACE: &str = "proxy_abi_version_0_2_1";

/// What a plugin does for a proxy. It has no word in responses and in none of the rest that the interface knows, and a
/// proxy does not call what is not there.
const PROXY_EXPORTS: [&str; 12] = [
    PROXY_INTERFACE,
    "malloc",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_done",
    "proxy_on_memory_allocate",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_vm_start",
    "sod_describe",
];

/// The engines, as build.rs made them.
const ENGINE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/engine.wasm"));
const PROXY_ENGINE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/proxy-engine.wasm"));

/// Pages that a module's memory may grow to: what hosts of components give to a decision, 64 MiB.
const MOST_PAGES: u64 = 1024;

/// For which hosts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Hosts of components: wit/policy.wit.
    #[default]
    Component,
    /// Any WebAssembly runtime: docs/modules.md.
    Core,
    /// Envoy and other proxies: docs/proxy-wasm.md.
    ProxyWasm,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 3] = [Target::Component, Target::Core, Target::ProxyWasm];

    /// As it is written: `proxy-wasm`.
    pub fn as_str(self) -> &'static str {
        match self {
            Target::Component => "component",
            Target::Core => "core",
            Target::ProxyWasm => "proxy-wasm",
        }
    }

    /// A core module without a pack.
    pub(crate) fn engine(self) -> &'static [u8] {
        match self {
            Target::Component | Target::Core => ENGINE,
            Target::ProxyWasm => PROXY_ENGINE,
        }
    }

    pub(crate) fn engine_info(self) -> EngineInfo {
        let sha256 = match self {
            Target::Component | Target::Core => env!("SOD_ENGINE_SHA256"),
            Target::ProxyWasm => env!("SOD_PROXY_ENGINE_SHA256"),
        };
        EngineInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sha256: sha256.to_owned(),
        }
    }

    /// The function that loads a pack for hosts of this kind.
    pub(super) fn loader(self) -> &'static str {
        match self {
            Target::Component => "sod_load",
            Target::Core => "sod_load_to_serve",
            Target::ProxyWasm => "sod_load_plugin",
        }
    }

    /// The export that artifacts of this kind are known by.
    pub(crate) fn interface(self) -> &'static str {
        match self {
            Target::Component => INTERFACE,
            Target::Core => CORE_INTERFACE,
            Target::ProxyWasm => PROXY_INTERFACE,
        }
    }

    /// The module that everything comes from that artifacts of this kind import.
    pub(crate) fn imports_from(self) -> Option<&'static str> {
        match self {
            Target::Component | Target::Core => None,
            Target::ProxyWasm => Some("env"),
        }
    }

    /// Whether an export of the engine is one of the finished artifact.
    pub(super) fn keeps(self, name: &str) -> bool {
        if name == "memory" {
            return true;
        }
        match self {
            // The interface, and what the canonical ABI calls.
            Target::Component => {
                let rest = name.strip_prefix("cabi_post_").unwrap_or(name);
                name == "cabi_realloc" || rest.starts_with(INTERFACE)
            }
            Target::Core => ["sod_alloc", "sod_free", "sod_decide", "sod_describe"].contains(&name),
            Target::ProxyWasm => PROXY_EXPORTS.contains(&name),
        }
    }

    /// A global without another meaning than that it is there.
    pub(super) fn marker(self) -> Option<&'static str> {
        (self == Target::Core).then_some(CORE_INTERFACE)
    }

    /// How far the memory may grow. The host of a component sees to that itself.
    pub(super) fn most_pages(self) -> Option<u64> {
        (self != Target::Component).then_some(MOST_PAGES)
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The engine that this build of sod puts into components.
pub fn engine() -> EngineInfo {
    Target::Component.engine_info()
}

/// The engine itself: a core module without imports that holds no pack yet. For those who test or measure it.
pub fn engine_module() -> &'static [u8] {
    ENGINE
}

#[cfg(test)]
mod tests {
    use sod_core::bundle::sha256;

    use super::*;

    #[test]
    fn each_engine_has_the_digest_that_is_recorded() {
        for target in Target::ALL {
            assert_eq!(sha256(target.engine()), target.engine_info().sha256);
        }
    }
}
