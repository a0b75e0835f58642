//! Two allocators in turn: the standard one while a pack is loaded, with a
//! place apart for what outlives that; then one that only moves a pointer, for
//! the one decision that an instance lives for, so that nothing needs to be
//! given back but the memory as a whole, by the host. An engine that serves
//! many decisions turns to a pool instead.
//!
//! For a decision it begins in the arena, which build.rs leaves free below all data. So the
//! pages that every decision writes to, stack and arena, are one stretch at
//! the bottom of the memory, and a host that looks for written pages from
//! there on finds them first, whatever the decision touched in a large pack.

use core::arch::wasm32::{memory_grow, memory_size};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use crate::keep::Keep;
use crate::pool::{self, Pool};

const PAGE: usize = 65536;
/// Grown ahead where the arena is not enough.
const STEP: usize = 16 * PAGE;

// The linker's: the arena is what lies between.
unsafe extern "C" {
    static __stack_high: u8;
    static __global_base: u8;
}

struct Allocator {
    /// Where the next allocation goes; 0 while loading.
    next: Cell<usize>,
    /// End of the memory that is ours.
    end: Cell<usize>,
    /// The newest allocation, which may still grow or go.
    newest: Cell<usize>,
    /// What all decisions use.
    keep: Keep,
    /// Where that ends which was there when serving began; 0 before.
    old: Cell<usize>,
    pool: Pool,
}

// SAFETY: wasm32-unknown-unknown without atomics has one thread.
unsafe impl Sync for Allocator {}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator {
    next: Cell::new(0),
    end: Cell::new(0),
    newest: Cell::new(0),
    keep: Keep::new(),
    old: Cell::new(0),
    pool: Pool::new(),
};

/// Where what outlives loading is laid down.
pub(crate) fn keep() -> &'static Keep {
    &ALLOCATOR.keep
}

/// From here on every allocation is for the decision at hand. What was
/// allocated before stays valid and is never freed.
pub(crate) fn turn_to_deciding() {
    ALLOCATOR.newest.set(0);
    ALLOCATOR.end.set((&raw const __global_base).addr());
    ALLOCATOR.next.set((&raw const __stack_high).addr());
}

/// From here on allocations come and go, for decision after decision. What
/// is kept stays valid and is never freed.
pub(crate) fn turn_to_serving() {
    ALLOCATOR.old.set(top());
    ALLOCATOR.newest.set(0);
    ALLOCATOR.next.set(0);
}

impl Allocator {
    fn bumping(&self) -> bool {
        self.next.get() != 0
    }

    fn serving(&self) -> bool {
        self.old.get() != 0
    }

    /// Whether the pool has handed it out. The pool takes its memory above all that was there before it.
    fn pools(&self, ptr: *mut u8, layout: Layout) -> bool {
        self.serving() && ptr.addr() >= self.old.get() && pool::takes(layout)
    }

    /// Memory up to `end`, grown if need be and if nothing lies in between.
    fn reach(&self, end: usize) -> bool {
        let have = self.end.get();
        if end <= have {
            return true;
        }
        let Some(bytes) = (end - have).checked_next_multiple_of(STEP) else {
            return false;
        };
        // Nobody else grows the memory any more, so the new pages follow on.
        if have != top() || memory_grow(0, bytes / PAGE) == usize::MAX {
            return false;
        }
        self.end.set(have.saturating_add(bytes));
        true
    }

    /// Where an allocation goes that is not to reach beyond what can be had.
    fn place(&self, layout: Layout) -> Option<(usize, usize)> {
        let start = self.next.get().checked_next_multiple_of(layout.align())?;
        let end = start.checked_add(layout.size())?;
        self.reach(end).then_some((start, end))
    }

    fn bump(&self, layout: Layout) -> *mut u8 {
        let place = self.place(layout).or_else(|| {
            // The arena is full: on with new memory above everything.
            self.next.set(top());
            self.end.set(top());
            self.place(layout)
        });
        let Some((start, end)) = place else {
            return std::ptr::null_mut();
        };
        self.next.set(end);
        self.newest.set(start);
        std::ptr::with_exposed_provenance_mut(start)
    }
}

/// End of the memory.
fn top() -> usize {
    memory_size(0) * PAGE
}

// SAFETY: `alloc` hands out disjoint, aligned memory of the asked size, or
// null; what `System` or the pool handed out goes back there, and what is
// kept is left alone.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.bumping() {
            self.bump(layout)
        } else if self.serving() && pool::takes(layout) {
            std::ptr::with_exposed_provenance_mut(self.pool.take(layout.size()))
        } else if self.serving() {
            // SAFETY: the caller's layout, passed on.
            unsafe { System.alloc(layout) }
        } else {
            let piece = match self.keep.place(layout) {
                Some(place) => std::ptr::with_exposed_provenance_mut(place),
                // SAFETY: the caller's layout, passed on.
                None => unsafe { System.alloc(layout) },
            };
            self.keep.note_taken(piece, layout);
            piece
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        if self.bumping() {
            if ptr.addr() == self.newest.get() {
                self.next.set(ptr.addr());
            }
        } else if self.pools(ptr, layout) {
            // SAFETY: the pool took it for the same layout.
            unsafe { self.pool.give_back(ptr.expose_provenance(), layout.size()) };
        } else {
            // Cleared while loading, because what is not zero when the snapshot is taken is part of the component.
            if !self.serving() {
                self.keep.note_given_back(ptr);
                // SAFETY: the caller gives up the whole of it.
                unsafe { ptr.write_bytes(0, layout.size()) };
            }
            if !self.keep.holds(ptr) {
                // SAFETY: allocated by `System`, for nobody else did.
                unsafe { System.dealloc(ptr, layout) };
            }
        }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller guarantees that the new size makes a layout, and is not 0.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        if self.bumping() {
            let end = ptr.addr().checked_add(new_size);
            if ptr.addr() == self.newest.get()
                && let Some(end) = end.filter(|end| self.reach(*end))
            {
                self.next.set(end);
                return ptr;
            }
        } else if self.pools(ptr, layout) {
            if pool::takes(new_layout) && Pool::same(layout.size(), new_size) {
                return ptr;
            }
        } else if self.serving() && !self.keep.holds(ptr) && !pool::takes(new_layout) {
            // SAFETY: as in `dealloc`.
            return unsafe { System.realloc(ptr, layout, new_size) };
        }
        // SAFETY: `new_layout` is sound; both are valid for the smaller of the sizes, and disjoint; the old one is not
        // used afterwards.
        unsafe {
            let new = self.alloc(new_layout);
            if !new.is_null() {
                ptr.copy_to_nonoverlapping(new, layout.size().min(new_size));
                self.dealloc(ptr, layout);
            }
            new
        }
    }
}
