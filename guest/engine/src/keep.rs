//! Room for what outlives the loading of a pack, in one stretch.
//!
//! Loading makes many pieces for each that lasts, and the standard allocator lays them down among each other. So a
//! pack is loaded twice: the first time what is taken and given back is recorded, and whoever reads the record knows
//! the pieces that last by their number. The second time those are laid down here, one after the other, so that a
//! decision reads and writes few pages. A number that is wrong costs room and nothing else.

use core::arch::wasm32::memory_grow;
use std::alloc::Layout;
use std::cell::Cell;

const PAGE: usize = 65536;
/// Most pieces begin at its multiples.
const ALIGN: usize = 8;
/// Set in the address of a piece that is given back. Those taken have none that is odd.
const GIVEN_BACK: usize = 1;

pub(crate) struct Keep {
    /// Number of the next piece taken.
    number: Cell<u32>,
    /// Numbers of the pieces to come that last, ascending.
    lasting: Cell<&'static [u32]>,
    /// How many pieces were to last and were given back, or had no room.
    wrong: Cell<usize>,
    /// Where the room begins, where there is no piece yet, and where it ends.
    start: Cell<usize>,
    next: Cell<usize>,
    end: Cell<usize>,
    /// Address and room of each piece taken, address of each given back.
    record: Cell<Option<Vec<usize>>>,
}

/// What a piece takes at most, wherever the one before it ends.
fn room(layout: Layout) -> usize {
    layout.size().next_multiple_of(ALIGN) + layout.align().saturating_sub(ALIGN)
}

impl Keep {
    pub(crate) const fn new() -> Self {
        Keep {
            number: Cell::new(0),
            lasting: Cell::new(&[]),
            wrong: Cell::new(0),
            start: Cell::new(0),
            next: Cell::new(0),
            end: Cell::new(0),
            record: Cell::new(None),
        }
    }

    pub(crate) fn start_recording(&self) {
        self.record.set(Some(Vec::new()));
    }

    /// What was recorded; it ends with that.
    pub(crate) fn recorded(&self) -> Option<Vec<usize>> {
        self.record.take()
    }

    /// Counting from here on, these last, and need so much room.
    pub(crate) fn foretell(&self, lasting: &'static [u32], bytes: usize) {
        let pages = bytes.div_ceil(PAGE);
        let page = memory_grow(0, pages);
        if page != usize::MAX {
            // What is made last is used most. It is to be in one page, all of it, if it can.
            let end = (page + pages) * PAGE;
            self.number.set(0);
            self.lasting.set(lasting);
            self.start.set(end - bytes);
            self.next.set(end - bytes);
            self.end.set(end);
        }
    }

    /// How many of the pieces foretold are not here after all.
    pub(crate) fn missed(&self) -> usize {
        self.lasting.get().len() + self.wrong.get()
    }

    /// A place for the next piece, if it lasts.
    pub(crate) fn place(&self, layout: Layout) -> Option<usize> {
        let number = self.number.replace(self.number.get().wrapping_add(1));
        let (first, rest) = self.lasting.get().split_first()?;
        if *first != number {
            return None;
        }
        self.lasting.set(rest);
        let align = layout.align().max(ALIGN);
        let start = self.next.get().checked_next_multiple_of(align)?;
        let end = start.checked_add(layout.size().next_multiple_of(ALIGN))?;
        if end > self.end.get() {
            self.wrong.update(|wrong| wrong + 1);
            return None;
        }
        self.next.set(end);
        Some(start)
    }

    pub(crate) fn holds(&self, ptr: *mut u8) -> bool {
        (self.start.get()..self.next.get()).contains(&ptr.addr())
    }

    pub(crate) fn note_taken(&self, ptr: *mut u8, layout: Layout) {
        self.note(|record| record.extend([ptr.addr(), room(layout)]));
    }

    pub(crate) fn note_given_back(&self, ptr: *mut u8) {
        self.wrong
            .update(|wrong| wrong + usize::from(self.holds(ptr)));
        self.note(|record| record.push(ptr.addr() | GIVEN_BACK));
    }

    /// What the record itself takes and gives back is not recorded.
    fn note(&self, add: impl FnOnce(&mut Vec<usize>)) {
        if let Some(mut record) = self.record.take() {
            add(&mut record);
            self.record.set(Some(record));
        }
    }
}
