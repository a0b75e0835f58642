//! [`sod_core`] behind the proxy-wasm ABI 0.2.1.

use sod_core as _;
use sod_route as _;
use serde as _;
use serde_json as _;

/// Loads a pack.
///
/// # Safety
/// x
#[unsafe(no_mangle)]
unsafe extern "C" fn sod_load_plugin(ptr: *const u8, len: usize) -> u32 {
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
    // SAFETY: the caller's promise.
    unsafe { sod_engine::load_to_serve(ptr, len) }
}
