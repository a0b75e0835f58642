//! The door of the pack compiler, stripped from every finished component.

use std::sync::OnceLock;

use sod_core::{Bundle, Parsed, Program};

static PROGRAM: OnceLock<Program> = OnceLock::new();
static ERROR: OnceLock<String> = OnceLock::new();

/// The pack inside, once there is one.
pub(crate) fn program() -> Option<&'static Program> {
    PROGRAM.get()
}

/// Room for `len` bytes of bundle, never freed.
#[unsafe(no_mangle)]
extern "C" fn sod_alloc(len: usize) -> *mut u8 {
    Box::leak(vec![0; len].into_boxed_slice()).as_mut_ptr()
}

/// Loads the bundle (JSON of `sod_core::Bundle`) of `len` bytes at `ptr`,
/// decides once to warm up, and turns to allocating for single decisions.
/// 0 if it worked; otherwise `sod_error_ptr` and `sod_error_len` have the message.
///
/// # Safety
/// `ptr` comes from [`sod_alloc`] with the same `len`, and is not used afterwards.
#[unsafe(no_mangle)]
unsafe extern "C" fn sod_load(ptr: *const u8, len: usize) -> u32 {
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(ptr, len) };
    match load(bytes) {
        Ok(()) => 0,
        Err(message) => {
            ERROR.get_or_init(|| message);
            1
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn sod_error_ptr() -> *const u8 {
    ERROR.get().map_or(std::ptr::null(), |e| e.as_ptr())
}

#[unsafe(no_mangle)]
extern "C" fn sod_error_len() -> usize {
    ERROR.get().map_or(0, String::len)
}

fn load(bytes: &[u8]) -> Result<(), String> {
    let bundle: Bundle = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let parsed = Parsed::new(bundle).map_err(|e| e.to_string())?;
    #[cfg(target_arch = "wasm32")]
    allocator::turn_to_keeping();
    let program = parsed.link().map_err(|e| e.to_string())?;
    program.warm_up();
    PROGRAM
        .set(program)
        .map_err(|_| "a pack is loaded already".to_owned())?;
    #[cfg(target_arch = "wasm32")]
    allocator::turn_to_deciding();
    Ok(())
}

#[cfg(target_arch = "wasm32")]
use crate::allocator;
