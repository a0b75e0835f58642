//! What every engine has around [`sod_core`]: the door through which the pack compiler loads a pack, and memory.
//!
//! The pack compiler calls the door once, takes a snapshot, and strips it: a finished artifact has no way to load
//! anything. An engine is then either for one decision (`sod_load`), or it serves one after the other
//! (`sod_load_to_serve`).

#[cfg(target_arch = "wasm32")]
mod allocator;
mod describe;
#[cfg(target_arch = "wasm32")]
mod keep;
mod load;
#[cfg(target_arch = "wasm32")]
mod pool;

pub use describe::describe;
pub use load::{load_to_serve, program};
