//! Memory for decision after decision: what is given back is used again for something of about the same size.
//!
//! A decision is thousands of small pieces. Each class of sizes has a list of those that are free, so that to take and
//! to give back are a few instructions, and memory is never more than the most that each class has had in use at once.
//! Large pieces are the standard allocator's.

use core::arch::wasm32::memory_grow;
use std::alloc::Layout;
use std::cell::Cell;

const PAGE: usize = 65536;
/// Pages taken at a time.
const STEP: usize = 4;
const ALIGN: usize = 16;
/// The largest piece of the largest class.
const LARGEST: usize = 32 << 10;
const CLASSES: usize = 40;

pub(crate) struct Pool {
    /// Of each class the first piece that is free, which has the address of the next in it; 0 if there is none.
    free: [Cell<usize>; CLASSES],
    /// Where no piece has been yet, and its end.
    next: Cell<usize>,
    end: Cell<usize>,
}

/// Whether a piece is the pool's, by its size alone: who gives it back says the same as who took it.
pub(crate) fn takes(layout: Layout) -> bool {
    layout.size() <= LARGEST && layout.align() <= ALIGN
}

/// Number and size: multiples of 16 up to 128, from there on four to each doubling.
fn class(size: usize) -> (usize, usize) {
    let last = size.max(1) - 1;
    let step = (last | 1).ilog2().saturating_sub(2).max(4);
    let units = (last >> step) + 1;
    ((step as usize - 4) * 4 + units - 1, units << step)
}

impl Pool {
    pub(crate) const fn new() -> Self {
        Pool {
            free: [const { Cell::new(0) }; CLASSES],
            next: Cell::new(0),
            end: Cell::new(0),
        }
    }

    /// A piece that can hold so much; 0 if there is no memory.
    pub(crate) fn take(&self, size: usize) -> usize {
        let (number, size) = class(size);
        let Some(free) = self.free.get(number) else {
            return 0;
        };
        let piece = free.get();
        if piece == 0 {
            return self.new_piece(size);
        }
        // SAFETY: a free piece has the address of the next in it, as `give_back` left it.
        free.set(unsafe { std::ptr::with_exposed_provenance::<usize>(piece).read() });
        piece
    }

    fn new_piece(&self, size: usize) -> usize {
        if self.end.get() - self.next.get() < size {
            let page = memory_grow(0, STEP);
            if page == usize::MAX {
                return 0;
            }
            self.next.set(page * PAGE);
            self.end.set((page + STEP) * PAGE);
        }
        let piece = self.next.get();
        self.next.set(piece + size);
        piece
    }

    /// # Safety
    /// `piece` was taken with a size of the same class, and is not used afterwards.
    pub(crate) unsafe fn give_back(&self, piece: usize, size: usize) {
        let (number, _) = class(size);
        if let Some(free) = self.free.get(number) {
            // SAFETY: it is the caller's to give, aligned, and has room for an address.
            unsafe { std::ptr::with_exposed_provenance_mut::<usize>(piece).write(free.get()) };
            free.set(piece);
        }
    }

    /// Whether a piece taken with one size has room for the other.
    pub(crate) fn same(one: usize, other: usize) -> bool {
        class(one).0 == class(other).0
    }
}
