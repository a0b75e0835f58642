//! Two allocators in turn: the standard one while a pack is loaded, then one
//! that only moves a pointer. An instance lives for one decision, so nothing
//! needs to be given back but the memory as a whole, by the host.

use core::arch::wasm32::{memory_grow, memory_size};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

const PAGE: usize = 65536;
/// Grown ahead: enough for most decisions without asking the host again.
const STEP: usize = 16 * PAGE;

struct Allocator {
    /// Where the next allocation goes; 0 while loading.
    next: Cell<usize>,
    /// End of the memory that is ours.
    end: Cell<usize>,
    /// The newest allocation, which may still grow or go.
    newest: Cell<usize>,
}

// SAFETY: wasm32-unknown-unknown without atomics has one thread.
unsafe impl Sync for Allocator {}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator {
    next: Cell::new(0),
    end: Cell::new(0),
    newest: Cell::new(0),
};

/// From here on every allocation is for the decision at hand. What was
/// allocated before stays valid and is never freed.
pub(crate) fn turn_to_bumping() {
    let start = memory_size(0) * PAGE;
    if memory_grow(0, STEP / PAGE) != usize::MAX {
        ALLOCATOR.end.set(start + STEP);
        ALLOCATOR.next.set(start);
    }
}

impl Allocator {
    fn bumping(&self) -> bool {
        self.next.get() != 0
    }

    /// Memory up to `end`, grown if need be.
    fn reach(&self, end: usize) -> bool {
        let have = self.end.get();
        if end <= have {
            return true;
        }
        let Some(bytes) = (end - have).checked_next_multiple_of(STEP) else {
            return false;
        };
        // Nobody else grows the memory any more, so the new pages follow on.
        if memory_grow(0, bytes / PAGE) == usize::MAX {
            return false;
        }
        self.end.set(have.saturating_add(bytes));
        true
    }

    fn bump(&self, layout: Layout) -> *mut u8 {
        let start = self.next.get().checked_next_multiple_of(layout.align());
        let Some((start, end)) = start.and_then(|s| Some((s, s.checked_add(layout.size())?)))
        else {
            return std::ptr::null_mut();
        };
        if !self.reach(end) {
            return std::ptr::null_mut();
        }
        self.next.set(end);
        self.newest.set(start);
        std::ptr::with_exposed_provenance_mut(start)
    }
}

// SAFETY: `alloc` hands out disjoint, aligned memory of the asked size, or
// null; memory of `System` goes back to `System` while it is still in charge,
// and is left alone afterwards.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.bumping() {
            self.bump(layout)
        } else {
            // SAFETY: the caller's layout, passed on.
            unsafe { System.alloc(layout) }
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        if !self.bumping() {
            // SAFETY: allocated by `System`, for nothing else was in charge yet.
            unsafe { System.dealloc(ptr, layout) }
        } else if ptr.addr() == self.newest.get() {
            self.next.set(ptr.addr());
        }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !self.bumping() {
            // SAFETY: as in `dealloc`.
            return unsafe { System.realloc(ptr, layout, new_size) };
        }
        if ptr.addr() == self.newest.get() {
            let end = ptr.addr().checked_add(new_size);
            let Some(end) = end.filter(|end| self.reach(*end)) else {
                return std::ptr::null_mut();
            };
            self.next.set(end);
            return ptr;
        }
        // SAFETY: the caller guarantees that the new size makes a layout.
        let new = self.bump(unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) });
        if !new.is_null() {
            // SAFETY: both are valid for the smaller of the sizes, and disjoint.
            unsafe { ptr.copy_to_nonoverlapping(new, layout.size().min(new_size)) };
        }
        new
    }
}
