//! [`sod_core`] behind the proxy-wasm ABI 0.2.1: a pack decides inside the proxy, with no service beside it.
//!
//! `settings` is what the operator configures, `filter` what becomes of one request, `answer` what the client
//! gets, and `proxy` all that is asked of the proxy. Where no decision is reached the request ends here.

mod answer;
mod claims;
mod evidence;
mod filter;
mod plugin;
mod proxy;
mod settings;

use plugin::Plugin;

/// Loads the pack; the pack compiler's door.
///
/// What the proxy would have `_initialize` do is done here, before the snapshot: a finished module begins with a pack
/// inside.
///
/// # Safety
/// As `sod_load_to_serve`.
#[unsafe(no_mangle)]
unsafe extern "C" fn sod_load_plugin(ptr: *const u8, len: usize) -> u32 {
    proxy_wasm::set_root_context(|_| Box::new(Plugin::default()));
    // SAFETY: the caller's promise.
    unsafe { sod_engine::load_to_serve(ptr, len) }
}

/// For `sod inspect`: address and length of what this says that it is, 0 if there is nothing. No proxy calls it.
#[unsafe(no_mangle)]
extern "C" fn sod_describe() -> u64 {
    let described = sod_engine::program().map(|program| sod_engine::describe(program.describe()));
    described.and_then(Result::ok).map_or(0, |json| {
        let json = json.leak();
        (json.as_ptr().addr() as u64) << 32 | json.len() as u64
    })
}
