//! The door of the pack compiler, stripped from every finished artifact.

use std::hash::RandomState;
use std::sync::OnceLock;

use sod_core::{Bundle, Parsed, Program};

#[cfg(target_arch = "wasm32")]
use crate::allocator;

static PROGRAM: OnceLock<Program> = OnceLock::new();
static KEYS: OnceLock<RandomState> = OnceLock::new();
static ERROR: OnceLock<String> = OnceLock::new();

/// What a loaded engine lives for.
#[derive(Clone, Copy)]
enum Life {
    OneDecision,
    Serving,
}

/// The pack inside, once there is one.
pub fn program() -> Option<&'static Program> {
    PROGRAM.get()
}

/// Room for `len` bytes that are needed for loading, never freed.
#[unsafe(no_mangle)]
extern "C" fn sod_load_alloc(len: usize) -> *mut u8 {
    // The keys of the standard library's maps are made of addresses. Before anything else they are the same whenever
    // a pack is loaded, and so is all that is made while it is.
    KEYS.get_or_init(RandomState::new);
    Box::leak(vec![0; len].into_boxed_slice()).as_mut_ptr()
}

/// From here on what is allocated and given back is recorded.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
extern "C" fn sod_load_record() {
    allocator::keep().start_recording();
}

/// Address and length of the record since [`sod_load_record`]: two words for each piece that was taken, its address
/// and how much room it needs, and one for each that was given back, its address and 1.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
extern "C" fn sod_load_recorded() -> u64 {
    let record = allocator::keep().recorded().unwrap_or_default().leak();
    (record.as_ptr().addr() as u64) << 32 | size_of_val(record) as u64
}

/// The pieces that will last, in `len` bytes at `ptr`: a word for each, its number, counting from here on. All of
/// them together need so many `bytes`.
///
/// # Safety
/// `ptr` comes from [`sod_load_alloc`] with the same `len`. It is not written to before the pack is loaded.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
unsafe extern "C" fn sod_load_lasting(ptr: *const u32, len: usize, bytes: usize) {
    if len != 0 {
        // SAFETY: the caller's promise; and `System` aligns for words whatever it hands out.
        let lasting = unsafe { std::slice::from_raw_parts(ptr, len / size_of::<u32>()) };
        allocator::keep().foretell(lasting, bytes);
    }
}

/// How many of the pieces that were to last do not. It is 0 as long as a pack is loaded the same way every time.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
extern "C" fn sod_load_missed() -> usize {
    allocator::keep().missed()
}

/// Loads the bundle (JSON of `sod_core::Bundle`) of `len` bytes at `ptr`,
/// decides once to warm up, and turns to allocating for single decisions.
/// 0 if it worked; otherwise `sod_error_ptr` and `sod_error_len` have the message.
///
/// # Safety
/// `ptr` comes from [`sod_load_alloc`] with the same `len`, and is not used afterwards.
#[unsafe(no_mangle)]
unsafe extern "C" fn sod_load(ptr: *const u8, len: usize) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { load_for(Life::OneDecision, ptr, len) }
}

/// As [`sod_load`], for an engine that serves one decision after the other.
///
/// # Safety
/// As [`sod_load`].
#[unsafe(no_mangle)]
unsafe extern "C" fn sod_load_to_serve(ptr: *const u8, len: usize) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { load_to_serve(ptr, len) }
}

/// `sod_load_to_serve`, for an engine that has more to do when it is loaded.
///
/// # Safety
/// `ptr` comes from `sod_load_alloc` with the same `len`, and is not used afterwards.
pub unsafe fn load_to_serve(ptr: *const u8, len: usize) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { load_for(Life::Serving, ptr, len) }
}

#[unsafe(no_mangle)]
extern "C" fn sod_error_ptr() -> *const u8 {
    ERROR.get().map_or(std::ptr::null(), |e| e.as_ptr())
}

#[unsafe(no_mangle)]
extern "C" fn sod_error_len() -> usize {
    ERROR.get().map_or(0, String::len)
}

/// # Safety
/// As [`sod_load`].
unsafe fn load_for(life: Life, ptr: *const u8, len: usize) -> u32 {
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(ptr, len) };
    match load(life, bytes) {
        Ok(()) => 0,
        Err(message) => {
            ERROR.get_or_init(|| message);
            1
        }
    }
}

fn load(life: Life, bytes: &[u8]) -> Result<(), String> {
    let bundle: Bundle = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let parsed = Parsed::new(bundle).map_err(|e| e.to_string())?;
    let program = parsed.link().map_err(|e| e.to_string())?;
    program.warm_up();
    PROGRAM
        .set(program)
        .map_err(|_| "a pack is loaded already".to_owned())?;
    turn(life);
    Ok(())
}

/// From loading to deciding.
fn turn(life: Life) {
    #[cfg(target_arch = "wasm32")]
    match life {
        Life::OneDecision => allocator::turn_to_deciding(),
        Life::Serving => allocator::turn_to_serving(),
    }
    #[cfg(not(target_arch = "wasm32"))]
    let (Life::OneDecision | Life::Serving) = life;
}
